//! From the item that derives to the impl of `Event`, or to the reasons why there is none.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Path, parse_quote};

use crate::{
    dependency,
    names::{self, VariantNames},
    refusals::Refusals,
    serde_attrs::ContainerAttrs,
    shape,
};

/// Everything that the derive adds to the user's code.
///
/// An enum of which only variants are refused gets its impl all the same: whatever uses it as an event would otherwise
/// add errors that hide the one to be mended.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut refusals = Refusals::default();
    let attrs = ContainerAttrs::read(&input.attrs, &mut refusals);
    shape::check_generics(&input.generics, &mut refusals);
    let variants = shape::variants(input, &mut refusals);
    let library = refusals.accept(dependency::path());
    let is_event = refusals.is_empty();

    shape::check_variants(&variants, &mut refusals);
    let names = names::of_variants(&variants, &attrs, &mut refusals);
    let implementation =
        library.filter(|_| is_event).map(|library| implementation(&library, input, &attrs.serde, &names));

    quote! {
        #refusals
        #implementation
    }
}

fn implementation(
    library: &Path,
    input: &DeriveInput,
    serde: &Path,
    variants: &[VariantNames<'_>],
) -> TokenStream {
    let mut generics = input.generics.clone();
    if generics.type_params().next().is_some() {
        generics.make_where_clause().predicates.push(parse_quote! {
            Self: ::core::cmp::PartialEq + #serde::Serialize + #serde::de::DeserializeOwned
                + ::core::marker::Send + ::core::marker::Sync + 'static
        });
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let ident = &input.ident;
    let idents = variants.iter().map(|variant| variant.ident);
    let types: Vec<_> = variants.iter().map(|variant| &variant.stored.value).collect();

    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #impl_generics #library::Event for #ident #ty_generics #where_clause {
            const TYPES: &'static [&'static str] = &[#(#types),*];

            fn event_type(&self) -> &'static str {
                match self {
                    #(Self::#idents { .. } => #types,)*
                }
            }
        }
    }
}
