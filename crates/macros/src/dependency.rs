//! How the crate that derives calls the library.

use proc_macro_crate::{Error, FoundCrate, crate_name};
use proc_macro2::Span;
use syn::{Ident, Path, parse_quote};

/// The crates that export the trait, in the order of preference. A crate that depends on both gets the first.
const LIBRARIES: [&str; 2] = ["aws-event-sourcing", "aws-event-sourcing-core"];

/// The path of the library: its name, or the name that the manifest gives it.
///
/// # Errors
///
/// The manifest has no such dependency, or cannot be read.
pub(crate) fn path() -> syn::Result<Path> {
    for library in LIBRARIES {
        let name = match crate_name(library) {
            // The library's own doctests and binaries are other crates than the library, and know it by its name only.
            Ok(FoundCrate::Itself) => library.replace('-', "_"),
            Ok(FoundCrate::Name(name)) => name,
            Err(Error::CrateNotFound { .. }) => continue,
            Err(error) => {
                let message = format!("cannot tell how this crate calls `{library}`: {error}");
                return Err(syn::Error::new(Span::call_site(), message));
            }
        };
        let ident: Ident = syn::parse_str(&name)?;
        return Ok(parse_quote!(::#ident));
    }

    Err(syn::Error::new(
        Span::call_site(),
        "`Event` is of `aws-event-sourcing`, which this crate does not depend on: run `cargo add aws-event-sourcing`",
    ))
}
