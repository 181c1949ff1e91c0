//! `Body`: where the body of a memoized function goes on that has no module of its name.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ItemFn;

use crate::signature::{Signature, body_name};

/// A body under another name: `f_uncached`.
///
/// A method's stands beside it, for it may say `self` and `Self`. That of a function stands within it, since nobody can
/// tell from a function whether it is in an `impl`.
pub(crate) struct Body {
    /// How it is called.
    pub(crate) name: TokenStream,
    pub(crate) beside: Option<TokenStream>,
    pub(crate) within: Option<TokenStream>,
}

impl Body {
    pub(crate) fn of(function: &ItemFn, signature: &Signature) -> Self {
        let ItemFn {
            vis, sig, block, ..
        } = function;
        let name = body_name(&sig.ident);
        let mut sig = sig.clone();
        sig.ident = name.clone();
        let has_self = signature.has_self;
        // It may be an argument for the cache's sake alone.
        let used = signature
            .place
            .as_ref()
            .map(|place| quote!(let _ = &#place;));
        let block = quote!({ #used #block });
        if has_self || names_self(sig.to_token_stream()) || names_self(block.clone()) {
            let owner = if has_self {
                quote!(self.)
            } else {
                quote!(Self::)
            };
            return Body {
                name: quote!(#owner #name),
                beside: Some(quote!(#[doc(hidden)] #vis #sig #block)),
                within: None,
            };
        }
        Body {
            name: quote!(#name),
            beside: None,
            within: Some(quote!(#sig #block)),
        }
    }
}

/// Whether code speaks of the type of an `impl`.
fn names_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => names_self(group.stream()),
        _ => false,
    })
}
