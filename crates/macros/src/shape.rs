//! What an item must look like to be the events of a resource: an enum that owns its data, of variants whose content
//! has named parts.

use syn::{Data, DeriveInput, Fields, Generics, Variant};

use crate::refusals::Refusals;

/// The variants of an enum. None, and a refusal, if the item is not an enum or has no variants.
pub(crate) fn variants<'a>(input: &'a DeriveInput, refusals: &mut Refusals) -> Vec<&'a Variant> {
    let ident = &input.ident;
    let make_it_an_enum = |what| {
        format!("`{ident}` is a {what}: make it an enum, with one variant for each thing that can happen")
    };
    match &input.data {
        Data::Enum(data) => {
            if data.variants.is_empty() {
                refusals.refuse(
                    ident,
                    format!("`{ident}` has no variants: add one for each thing that can happen"),
                );
            }
            data.variants.iter().collect()
        }
        Data::Struct(data) => {
            refusals.refuse(data.struct_token, make_it_an_enum("struct"));
            Vec::new()
        }
        Data::Union(data) => {
            refusals.refuse(data.union_token, make_it_an_enum("union"));
            Vec::new()
        }
    }
}

/// Refuses lifetimes: an event outlives whatever it was made of.
pub(crate) fn check_generics(generics: &Generics, refusals: &mut Refusals) {
    for parameter in generics.lifetimes() {
        let lifetime = &parameter.lifetime;
        refusals.refuse(
            parameter,
            format!(
                "an event owns its data: remove `{lifetime}` and hold owned types, as `String` for `&{lifetime} str`"
            ),
        );
    }
}

/// Refuses the variants whose content would be stored as a bare list.
pub(crate) fn check_variants(variants: &[&Variant], refusals: &mut Refusals) {
    for variant in variants {
        let ident = &variant.ident;
        let Fields::Unnamed(fields) = &variant.fields else { continue };
        match fields.unnamed.len() {
            0 => refusals.refuse(
                fields,
                format!(
                    "`{ident}()` would be stored with an empty list: write `{ident}`, without parentheses"
                ),
            ),
            1 => {}
            _ => refusals.refuse(
                fields,
                format!(
                    "the fields of `{ident}` would be stored as a list that does not say what they are: \
                     give them names, in braces: `{ident} {{ .. }}`"
                ),
            ),
        }
    }
}
