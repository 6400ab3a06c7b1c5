//! [`meant`]: which setting somebody meant who has set a variable that is none. Ignored, it would have a service run on
//! another store than it should.

use strsim::osa_distance;

use super::TABLE;

/// Names that nobody else is likely to use.
const DISTINCTIVE: [&str; 3] = [TABLE, "SUBSCRIPTIONS_TABLE", "STOP_GRACE_SECONDS"];

/// How they begin, and nobody else's are likely to.
const BEGINNINGS: [&str; 3] = [TABLE, "SUBSCRIPTIONS_TABLE", "STOP_GRACE"];

/// Names that are two words each.
const OF_TWO_WORDS: [&str; 4] = ["BASE_PATH", "DATA_DIR", "LOG_FORMAT", "RUST_LOG"];

/// Words that are near many others.
const WORDS: [&str; 2] = ["HOST", "PORT"];

/// The setting that a variable was meant to be, if it is near to one. The variable itself is none.
pub(super) fn meant(variable: &str) -> Option<String> {
    if is_of_kubernetes(variable) {
        return None;
    }
    let beginnings = variable.match_indices('_').map(|(at, _)| variable.split_at(at));
    let mut of_type = beginnings.filter(|(beginning, _)| *beginning != TABLE && is_near(beginning, TABLE));
    if let Some((_, rest)) = of_type.next_back() {
        return Some(format!("{TABLE}{rest}"));
    }
    let begins =
        BEGINNINGS.into_iter().zip(DISTINCTIVE).find(|(beginning, _)| variable.starts_with(beginning));
    let begins = begins.map(|(_, setting)| setting);
    let all = || DISTINCTIVE.into_iter().chain(OF_TWO_WORDS).chain(WORDS);
    begins.or_else(|| all().find(|setting| is_near(variable, setting))).map(str::to_owned)
}

/// Whether Kubernetes sets variables like this one, with the address of a service by whatever name.
fn is_of_kubernetes(variable: &str) -> bool {
    let ends = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"];
    let parts = ["_SERVICE_PORT_", "_PORT_"];
    ends.iter().any(|end| variable.ends_with(end)) || parts.iter().any(|part| variable.contains(part))
}

/// Whether a name is a setting's but for a slip.
fn is_near(name: &str, setting: &str) -> bool {
    let distance = osa_distance(name, setting);
    if WORDS.contains(&setting) {
        // Two letters that have changed places: all else is a word of its own.
        return distance == 1 && sorted(name) == sorted(setting);
    }
    let slips = if DISTINCTIVE.contains(&setting) { 2 } else { 1 };
    distance <= slips || letters(name) == letters(setting)
}

fn sorted(name: &str) -> Vec<char> {
    let mut letters: Vec<_> = name.chars().collect();
    letters.sort_unstable();
    letters
}

/// In capitals, without what joins words.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}
