//! What the route of an API tells about a path: how much of it is the router's, and how much is in front of that. A stage is, and
//! the base path that an API mapping of a custom domain has, and both of them when the mapping names no stage.

use percent_encoding::percent_decode_str;

use super::request::Single;

/// A path in two parts.
#[derive(Debug, PartialEq)]
pub(super) struct Split<'p> {
    /// Without a slash at its end.
    pub(super) in_front: &'p str,
    /// With a slash at its beginning.
    pub(super) behind: &'p str,
}

/// Splits a path in front of what the route stands for: `/products/7`, for `/{proxy+}` with `products/7`. Nothing when the
/// route does not tell.
pub(super) fn split<'p>(path: &'p str, route: &str, parameters: Option<&Single>) -> Option<Split<'p>> {
    let expected = filled_in(route, parameters)?;
    let expected = expected.trim_end_matches('/');
    let is_expected = |tail: &str| {
        let decoded = |text| percent_decode_str(text).collect::<Vec<_>>();
        // A path may be decoded, or its parameters, or both.
        tail == expected || decoded(tail) == expected.as_bytes() || tail.as_bytes() == decoded(expected)
    };
    if expected.is_empty() {
        return Some(Split { in_front: path.trim_end_matches('/'), behind: "/" });
    }
    let starts = path.match_indices('/').map(|(start, _)| start);
    let start = starts.into_iter().find(|start| is_expected(path[*start..].trim_end_matches('/')))?;
    Some(Split { in_front: path[..start].trim_end_matches('/'), behind: &path[start..] })
}

/// A route such as `/products/{id}` or `/{proxy+}`, with the parameters in their places.
fn filled_in(route: &str, parameters: Option<&Single>) -> Option<String> {
    let mut filled = String::new();
    for segment in route.strip_prefix('/')?.split('/') {
        let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        let value = match name.map(|name| name.strip_suffix('+').unwrap_or(name)) {
            Some(name) => parameters?.get(name)?,
            None => segment,
        };
        filled.push('/');
        filled.push_str(value);
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_in_front_of_what_the_route_stands_for() {
        for (path, route, parameters, split_as) in [
            ("/catalog/products", "/{proxy+}", &[("proxy", "products")][..], Some(("/catalog", "/products"))),
            ("/products", "/{proxy+}", &[("proxy", "products")], Some(("", "/products"))),
            ("/products/products", "/{proxy+}", &[("proxy", "products")], Some(("/products", "/products"))),
            (
                "/v1/catalog/dev/products/7/",
                "/{proxy+}",
                &[("proxy", "products/7")],
                Some(("/v1/catalog/dev", "/products/7/")),
            ),
            ("/catalog//products", "/{proxy+}", &[("proxy", "/products")], Some(("/catalog", "//products"))),
            ("/catalog//products", "/{proxy+}", &[("proxy", "products")], Some(("/catalog", "/products"))),
            // Decoded parameters of a path that is not, as a REST API has them; a slash among them; both decoded; and neither.
            (
                "/c/products/a%2Fb%2541",
                "/{proxy+}",
                &[("proxy", "products/a/b%41")],
                Some(("/c", "/products/a%2Fb%2541")),
            ),
            (
                "/c/products/a b%41",
                "/{proxy+}",
                &[("proxy", "products/a b%41")],
                Some(("/c", "/products/a b%41")),
            ),
            (
                "/c/products/a%20b",
                "/{proxy+}",
                &[("proxy", "products/a%20b")],
                Some(("/c", "/products/a%20b")),
            ),
            ("/c/products/7/buy", "/products/{id}/buy", &[("id", "7")], Some(("/c", "/products/7/buy"))),
            ("/catalog", "/", &[], Some(("/catalog", "/"))),
            ("/catalog/", "/", &[], Some(("/catalog", "/"))),
            ("/", "/", &[], Some(("", "/"))),
            ("/catalog/products", "$default", &[], None),
            ("/catalog/products", "/{proxy+}", &[], None),
            ("/catalog/products", "/{proxy+}", &[("proxy", "reorders")], None),
            ("/subproducts", "/{proxy+}", &[("proxy", "products")], None),
        ] {
            let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let parameters = Some(parameters.collect::<Single>()).filter(|parameters| !parameters.is_empty());
            let expected = split_as.map(|(in_front, behind)| Split { in_front, behind });
            assert_eq!(split(path, route, parameters.as_ref()), expected, "{path} {route}");
        }
    }
}
