//! What `#[serde(...)]` on the enum and on its variants says about stored names, and what of it an event cannot have.
//!
//! Everything else is left to serde, which also complains about what it does not know. What concerns names is read as
//! strictly as serde reads it: to overlook a name here is to store an event under another.

use proc_macro2::TokenTree;
use syn::{
    Attribute, LitStr, Path, Token, meta::ParseNestedMeta, parse::ParseStream, parse_quote, token::Paren,
};

use crate::{refusals::Refusals, rename::RenameRule};

/// What the enum's attributes say.
pub(crate) struct ContainerAttrs {
    /// The literals of `rename_all`, for messages.
    pub(crate) rename_all: Renames,
    pub(crate) serialize_rule: RenameRule,
    pub(crate) deserialize_rule: RenameRule,
    /// The path of serde: `::serde`, unless `crate` says otherwise.
    pub(crate) serde: Path,
}

impl ContainerAttrs {
    pub(crate) fn read(attrs: &[Attribute], refusals: &mut Refusals) -> Self {
        let mut rename_all = Renames::default();
        let mut serde = parse_quote!(::serde);
        for_each_item(attrs, refusals, |item, refusals| {
            if item.path.is_ident("rename_all") {
                rename_all.read(item)?;
            } else if item.path.is_ident("crate") {
                serde = item.value()?.parse::<LitStr>()?.parse()?;
            } else {
                if let Some(instead) = instead_of_container_attr(&item.path) {
                    refusals.refuse(&item.path, instead);
                }
                skip_value(item.input)?;
            }
            Ok(())
        });

        let mut rule = |name: Option<&LitStr>| {
            name.and_then(|name| refusals.accept(RenameRule::parse(name))).unwrap_or_default()
        };
        Self {
            serialize_rule: rule(rename_all.serialize.as_ref()),
            deserialize_rule: rule(rename_all.deserialize.first()),
            rename_all,
            serde,
        }
    }
}

/// What a variant's attributes say.
#[derive(Default)]
pub(crate) struct VariantAttrs {
    pub(crate) rename: Renames,
    pub(crate) aliases: Vec<LitStr>,
}

impl VariantAttrs {
    pub(crate) fn read(attrs: &[Attribute], refusals: &mut Refusals) -> Self {
        let mut read = Self::default();
        for_each_item(attrs, refusals, |item, refusals| {
            if item.path.is_ident("rename") {
                read.rename.read(item)?;
            } else if item.path.is_ident("alias") {
                read.aliases.push(item.value()?.parse()?);
            } else {
                if let Some(instead) = instead_of_variant_attr(&item.path) {
                    refusals.refuse(&item.path, instead);
                }
                skip_value(item.input)?;
            }
            Ok(())
        });
        read
    }
}

/// `rename` or `rename_all`: one name for both directions, or one for each. A variant may be read from several.
#[derive(Default)]
pub(crate) struct Renames {
    pub(crate) serialize: Option<LitStr>,
    pub(crate) deserialize: Vec<LitStr>,
}

impl Renames {
    fn read(&mut self, item: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if item.input.peek(Paren) {
            return item.parse_nested_meta(|direction| {
                if direction.path.is_ident("serialize") {
                    self.serialize = Some(direction.value()?.parse()?);
                } else if direction.path.is_ident("deserialize") {
                    self.deserialize.push(direction.value()?.parse()?);
                } else {
                    return Err(direction.error("expected `serialize` or `deserialize`"));
                }
                Ok(())
            });
        }
        let name: LitStr = item.value()?.parse()?;
        self.serialize = Some(name.clone());
        self.deserialize.push(name);
        Ok(())
    }

    /// The literal to point at when the two directions do not agree.
    pub(crate) fn literal(&self) -> Option<&LitStr> {
        self.serialize.as_ref().or_else(|| self.deserialize.first())
    }
}

/// Calls `read` with each item of each `#[serde(...)]`.
fn for_each_item(
    attrs: &[Attribute],
    refusals: &mut Refusals,
    mut read: impl FnMut(&ParseNestedMeta<'_>, &mut Refusals) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        let parsed = attr.parse_nested_meta(|item| read(&item, refusals));
        refusals.accept(parsed);
    }
}

/// Whatever it is: it is for serde to say whether an item of this name has such a value.
fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Why the enum cannot have this attribute, if it cannot, and what to do instead.
fn instead_of_container_attr(path: &Path) -> Option<&'static str> {
    Some(match path.get_ident()?.to_string().as_str() {
        "tag" | "content" | "untagged" => {
            "the store itself keeps an event's type apart from its data: remove this attribute"
        }
        "from" | "try_from" | "into" | "remote" => {
            "the variants of this very enum are what is stored: remove this attribute, and convert the types of fields \
             instead"
        }
        "transparent" => "an event is stored under the name of its variant: remove this attribute",
        _ => return None,
    })
}

/// Why a variant cannot have this attribute, if it cannot, and what to do instead.
fn instead_of_variant_attr(path: &Path) -> Option<&'static str> {
    Some(match path.get_ident()?.to_string().as_str() {
        "untagged" => "an event is stored under the name of its variant: remove this attribute",
        "skip" => "an event is stored whenever it happens: remove this attribute, or the variant",
        "skip_serializing" => {
            "an event is stored whenever it happens: remove this attribute, and reject in `Aggregate::validate` what \
             must not happen any more"
        }
        "skip_deserializing" => "what is stored is read again: remove this attribute",
        "other" => {
            "an event of an unknown type would be read as this one and lose its data: remove this attribute, and \
             give each known type a variant or an `alias`"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    #[test]
    fn a_name_that_cannot_be_read_is_not_passed_over() {
        let malformed: [Attribute; 9] = [
            parse_quote!(#[serde(rename)]),
            parse_quote!(#[serde(rename = 5)]),
            parse_quote!(#[serde(rename = concat!("a", "b"))]),
            parse_quote!(#[serde(rename("a"))]),
            parse_quote!(#[serde(rename(store))]),
            parse_quote!(#[serde(rename(serialize))]),
            parse_quote!(#[serde(alias = b"a")]),
            parse_quote!(#[serde(rename = "a"; alias = "b")]),
            parse_quote!(#[serde = "rename"]),
        ];
        for attr in malformed {
            let mut refusals = Refusals::default();
            VariantAttrs::read(std::slice::from_ref(&attr), &mut refusals);
            assert!(!refusals.is_empty(), "{}", attr.to_token_stream());
        }
    }
}
