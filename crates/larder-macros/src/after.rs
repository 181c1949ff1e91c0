//! What `#[memo_evict]` and `#[memo_put]` write: calls of companions after a function has succeeded.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprCall, ExprPath, Ident, ItemFn, Path, Result, ReturnType, Token, Type};

use crate::tags::{self, Template};

/// `get_user(&id)`, `all = list_users`, `tags = ["org:{id}"]`
pub(crate) enum Target {
    One(Path, Punctuated<Expr, Token![,]>),
    All(Path),
    Tags(Ident, Vec<Template>),
}

impl Parse for Target {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(Ident) && input.peek2(Token![=]) {
            let name: Ident = input.parse()?;
            if name == "tags" {
                let templates = tags::parse(input, &name)?;
                return Ok(Target::Tags(name, templates));
            }
            if name != "all" {
                let message = "write `get_user(&id)` for one entry, `all = get_user` for all, `tags = [\"org:{id}\"]` for those with a tag";
                return Err(Error::new(name.span(), message));
            }
            input.parse::<Token![=]>()?;
            return Ok(Target::All(input.parse()?));
        }
        let call: ExprCall = input.parse()?;
        match *call.func {
            Expr::Path(ExprPath { path, .. }) => Ok(Target::One(path, call.args)),
            other => Err(Error::new_spanned(
                other,
                "the name of a memoized function is expected",
            )),
        }
    }
}

pub(crate) struct Targets(Punctuated<Target, Token![,]>);

impl Parse for Targets {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Err(input.error("name what is meant: `get_user(&id)`, or `all = get_user`"));
        }
        Punctuated::parse_terminated(input).map(Targets)
    }
}

/// Runs `before`, the body, then `then` with the result's success as `result`, by reference.
fn around(function: &ItemFn, before: &TokenStream, then: &TokenStream) -> TokenStream {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
    } = function;
    let output: Type = match &sig.output {
        ReturnType::Type(_, output) => (**output).clone(),
        ReturnType::Default => syn::parse_quote!(()),
    };
    let is_result = matches!(&output, Type::Path(path)
        if path.path.segments.last().is_some_and(|last| last.ident == "Result"));
    let run = match sig.asyncness {
        Some(_) => quote!(async move #block.await),
        None => quote!((move || -> #output #block)()),
    };
    let then = if is_result {
        quote!(if let ::std::result::Result::Ok(result) = &outcome { #then })
    } else {
        quote!({ let result = &outcome; #then })
    };
    quote! {
        #(#attrs)*
        #[allow(unused_variables)]
        #vis #sig {
            #before
            let outcome: #output = #run;
            #then
            outcome
        }
    }
}

/// Whether an expression speaks of the result.
fn names_result(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "result",
        TokenTree::Group(group) => names_result(group.stream()),
        _ => false,
    })
}

/// The keys of a companion's call. Those that do not speak of the result are copied beforehand, since the body may
/// consume the arguments; `before` gets the copies.
fn keys(
    keys: &Punctuated<Expr, Token![,]>,
    number: usize,
    before: &mut TokenStream,
) -> Vec<TokenStream> {
    let mut named = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        if names_result(key.to_token_stream()) {
            named.push(quote!(#key));
            continue;
        }
        let copy = format_ident!("key_{number}_{place}");
        before.extend(quote!(let #copy = ::std::borrow::ToOwned::to_owned(#key);));
        named.push(quote!(&#copy));
    }
    named
}

pub(crate) fn evict(Targets(targets): &Targets, function: &ItemFn) -> TokenStream {
    let (mut before, mut then) = (TokenStream::new(), TokenStream::new());
    for (number, target) in targets.iter().enumerate() {
        then.extend(match target {
            Target::One(path, given) => {
                let keys = keys(given, number, &mut before);
                quote!(#path::invalidate(#(#keys),*);)
            }
            Target::All(path) => quote!(#path::clear();),
            Target::Tags(_, templates) => {
                let tags = templates.iter().enumerate().map(|(place, template)| {
                    let tag = template.tag();
                    if template.names_result() {
                        return tag;
                    }
                    // The body may consume the arguments.
                    let made = format_ident!("tag_{number}_{place}");
                    before.extend(quote!(let #made = #tag;));
                    quote!(#made)
                });
                quote!(#(::larder::Tags::shared().invalidate(#tags);)*)
            }
        });
    }
    around(function, &before, &then)
}

pub(crate) fn put(Targets(targets): &Targets, function: &ItemFn) -> Result<TokenStream> {
    let (mut before, mut then) = (TokenStream::new(), TokenStream::new());
    for (number, target) in targets.iter().enumerate() {
        match target {
            Target::One(path, given) => {
                let keys = keys(given, number, &mut before);
                then.extend(quote!(#path::put(#(#keys,)* ::std::clone::Clone::clone(result));));
            }
            Target::All(path) => {
                let message = "a result is put under one key: `memo_put(get_user(&id))`";
                return Err(Error::new_spanned(path, message));
            }
            Target::Tags(name, _) => {
                let message =
                    "tags are those of the memoized function: `memo_put(get_user(&id))` gives them";
                return Err(Error::new(name.span(), message));
            }
        }
    }
    Ok(around(function, &before, &then))
}
