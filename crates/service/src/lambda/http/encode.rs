//! Percent-encoding, of what is only partly encoded or not any more.

/// A path that is as the client sent it. What a URI cannot have is encoded.
pub(super) fn path(path: &str) -> String {
    encode(path, |byte| is_of_a_path(byte) || byte == b'%')
}

/// A path that was decoded on the way.
pub(super) fn decoded_path(path: &str) -> String {
    encode(path, is_of_a_path)
}

/// A query that is as the client sent it. What a URI cannot have is encoded.
pub(super) fn query(query: &str) -> String {
    encode(query, |byte| is_of_a_path(byte) || b"%?[]".contains(&byte))
}

/// A name or a value of a query that was decoded on the way.
pub(super) fn parameter(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

/// What stands for itself: RFC 3986's `pchar`, and the slash.
fn is_of_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}

fn encode(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_stays_and_what_was_decoded_comes_back() {
        assert_eq!(path("/a%2Fb/c d/ü@:"), "/a%2Fb/c%20d/%C3%BC@:");
        assert_eq!(decoded_path("/100%/%41/c d?#"), "/100%25/%2541/c%20d%3F%23");
        assert_eq!(query("a=%20&b=1+2&c=\"ü\"#"), "a=%20&b=1+2&c=%22%C3%BC%22%23");
        assert_eq!(parameter("1+1=2 & ü"), "1%2B1%3D2%20%26%20%C3%BC");
    }
}
