//! [`RenameRule`]: what serde's `rename_all` makes of a variant's name.
//!
//! The rules are serde's to the letter, oddities included (`HTTPServer` is `h_t_t_p_server` in snake case): a name that
//! differed from the one that serde writes could not be read back. `tests/names.rs` compares them with serde's.

use syn::LitStr;

/// How the names of all variants are written.
#[derive(Clone, Copy, Default)]
pub(crate) enum RenameRule {
    /// No rule, or `PascalCase`: variants are written that way in Rust.
    #[default]
    AsDeclared,
    Lower,
    Upper,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const RULES: [(&str, RenameRule); 8] = [
    ("lowercase", RenameRule::Lower),
    ("UPPERCASE", RenameRule::Upper),
    ("PascalCase", RenameRule::AsDeclared),
    ("camelCase", RenameRule::Camel),
    ("snake_case", RenameRule::Snake),
    ("SCREAMING_SNAKE_CASE", RenameRule::ScreamingSnake),
    ("kebab-case", RenameRule::Kebab),
    ("SCREAMING-KEBAB-CASE", RenameRule::ScreamingKebab),
];

impl RenameRule {
    /// The rule of this name.
    ///
    /// # Errors
    ///
    /// There is none. A rule that only a newer serde knows must not be passed over: its names would be wrong.
    pub(crate) fn parse(name: &LitStr) -> syn::Result<Self> {
        let wanted = name.value();
        match RULES.iter().find(|(known, _)| *known == wanted) {
            Some((_, rule)) => Ok(*rule),
            None => {
                let known: Vec<_> = RULES.iter().map(|(known, _)| format!("{known:?}")).collect();
                let message = format!("unknown rule {wanted:?}: use one of {}", known.join(", "));
                Err(syn::Error::new_spanned(name, message))
            }
        }
    }

    pub(crate) fn apply(self, variant: &str) -> String {
        match self {
            Self::AsDeclared => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => {
                let mut chars = variant.chars();
                chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
            }
            Self::Snake => snake(variant),
            Self::ScreamingSnake => snake(variant).to_ascii_uppercase(),
            Self::Kebab => snake(variant).replace('_', "-"),
            Self::ScreamingKebab => snake(variant).to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn snake(variant: &str) -> String {
    let mut snake = String::with_capacity(variant.len() + 4);
    for (at, char) in variant.char_indices() {
        if at > 0 && char.is_uppercase() {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
    }
    snake
}
