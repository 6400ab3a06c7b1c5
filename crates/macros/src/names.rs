//! The names under which variants are stored and from which they are read, and why some of them cannot be.

use proc_macro2::Span;
use syn::{Ident, LitStr, Variant, ext::IdentExt};

use crate::{
    refusals::Refusals,
    serde_attrs::{ContainerAttrs, VariantAttrs},
};

/// A variant and what it is called outside of Rust.
pub(crate) struct VariantNames<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) stored: Name,
    /// With aliases.
    read: Vec<Name>,
    /// The variant's own `rename`, to point at.
    rename: Option<LitStr>,
}

/// A name, and the literal or identifier that says so.
pub(crate) struct Name {
    pub(crate) value: String,
    span: Span,
}

impl From<&LitStr> for Name {
    fn from(literal: &LitStr) -> Self {
        Self { value: literal.value(), span: literal.span() }
    }
}

/// The names of all variants in the order of their declaration, checked to be such as can be stored and read back.
pub(crate) fn of_variants<'a>(
    variants: &[&'a Variant],
    container: &ContainerAttrs,
    refusals: &mut Refusals,
) -> Vec<VariantNames<'a>> {
    let variants: Vec<_> =
        variants.iter().map(|variant| VariantNames::new(variant, container, refusals)).collect();
    check_not_empty(&variants, refusals);
    check_readable(&variants, container, refusals);
    check_distinct(&variants, refusals);
    variants
}

impl<'a> VariantNames<'a> {
    fn new(variant: &'a Variant, container: &ContainerAttrs, refusals: &mut Refusals) -> Self {
        let ident = &variant.ident;
        let VariantAttrs { rename, aliases } = VariantAttrs::read(&variant.attrs, refusals);
        let declared = ident.unraw().to_string();

        let stored = rename.serialize.as_ref().map_or_else(
            || Name { value: container.serialize_rule.apply(&declared), span: ident.span() },
            Name::from,
        );
        let mut read: Vec<_> = rename.deserialize.iter().map(Name::from).collect();
        if read.is_empty() {
            read.push(Name { value: container.deserialize_rule.apply(&declared), span: ident.span() });
        }
        read.extend(aliases.iter().map(Name::from));

        Self { ident, stored, read, rename: rename.literal().cloned() }
    }

    fn is_read_from(&self, name: &str) -> bool {
        self.read.iter().any(|read| read.value == name)
    }
}

fn check_not_empty(variants: &[VariantNames<'_>], refusals: &mut Refusals) {
    for VariantNames { ident, stored, .. } in variants {
        if stored.value.is_empty() {
            let message =
                format!("`{ident}` would be stored without a name: give it one that says what happened");
            refusals.add(syn::Error::new(stored.span, message));
        }
    }
}

/// A variant is read from the name under which it is stored. A `rename_all` that prevents it is refused once.
fn check_readable(variants: &[VariantNames<'_>], container: &ContainerAttrs, refusals: &mut Refusals) {
    let mut refused = false;
    for variant in variants {
        let VariantNames { ident, stored, rename, .. } = variant;
        let name = &stored.value;
        if variant.is_read_from(name) {
            continue;
        }
        if let Some(literal) = rename {
            let one = literal.value();
            refusals.refuse(
                literal,
                format!(
                    "`{ident}` would be stored as {name:?} but not read from that name: use one name for both, as in \
                     `rename = {one:?}`, or add `alias = {name:?}`"
                ),
            );
        } else if let Some(literal) = container.rename_all.literal().filter(|_| !refused) {
            refused = true;
            let rule = literal.value();
            refusals.refuse(
                literal,
                format!(
                    "`{ident}` would be stored as {name:?} but not read from that name: use one rule for both, as in \
                     `rename_all = {rule:?}`"
                ),
            );
        }
    }
}

/// No name stands for two variants, neither in writing nor in reading.
fn check_distinct(variants: &[VariantNames<'_>], refusals: &mut Refusals) {
    for (at, variant) in variants.iter().enumerate() {
        let VariantNames { ident, stored, read, .. } = variant;
        let name = &stored.value;
        if let Some(first) = variants[..at].iter().find(|first| first.stored.value == *name) {
            let message = format!(
                "`{first}` and `{ident}` would both be stored as {name:?}: give each a name of its own, with \
                 `#[serde(rename = \"..\")]` if need be",
                first = first.ident
            );
            refusals.add(syn::Error::new(stored.span, message));
        }

        for Name { value: other, span } in read.iter().filter(|read| read.value != *name) {
            let message = if let Some(owner) = variants.iter().find(|owner| owner.stored.value == *other) {
                format!(
                    "`{ident}` would be read from {other:?}, under which `{owner}` is stored: leave that name to \
                     `{owner}`",
                    owner = owner.ident
                )
            } else if let Some(first) = variants[..at].iter().find(|first| first.is_read_from(other)) {
                format!(
                    "`{first}` and `{ident}` would both be read from {other:?}: leave it to the one that was stored \
                     under that name",
                    first = first.ident
                )
            } else {
                continue;
            };
            refusals.add(syn::Error::new(*span, message));
        }
    }
}
