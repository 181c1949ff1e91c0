//! What `#[memoize(bulk)]` writes: a function that answers for many keys, whose pairs are kept one by one.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Ident, ItemFn, Result};

use crate::attributes::Attributes;
use crate::memoize::{judged, timed_out};
use crate::signature::Signature;
use crate::tags::Template;

/// Refuses settings that do not fit.
pub(crate) fn check(attributes: &Attributes) -> Result<()> {
    let settings = [
        (attributes.none.as_ref().map(|(name, _)| name)),
        (attributes.errors.as_ref().map(|(name, _)| name)),
    ];
    if let Some(name) = settings.into_iter().flatten().next() {
        let message =
            format!("`{name}` is not for a `bulk` function: leave a key out of its answer");
        return Err(Error::new(name.span(), message));
    }
    let known = [format_ident!("key")];
    for tag in &attributes.tags {
        if let Some(result) = tag.result() {
            let message = "the tags of a `bulk` function follow from `key`";
            return Err(Error::new(result.span(), message));
        }
        tag.check(&known)?;
    }
    Ok(())
}

/// The call of the builder that gives entries their tags.
pub(crate) fn tagging(attributes: &Attributes, signature: &Signature) -> TokenStream {
    if attributes.tags.is_empty() {
        return TokenStream::new();
    }
    let (key, tags) = (
        signature.key_type(),
        attributes.tags.iter().map(Template::tag),
    );
    quote!(.tag_by(|key: &#key, tags| tags.extend([#(#tags),*])))
}

/// What gives each pair its time to live, and says whether it is kept, where there is a rule for that.
fn with_rules(attributes: &Attributes) -> Option<TokenStream> {
    if attributes.ttl_fn.is_none() && attributes.cache_if.is_none() {
        return None;
    }
    let value = Ident::new("value", Span::mixed_site());
    let loaded = match &attributes.ttl_fn {
        Some(rule) => quote! {{
            let ttl = ::larder::memo::lifetime(&#value, #rule);
            ttl.into_iter().fold(::larder::Loaded::new(#value), ::larder::Loaded::ttl)
        }},
        None => quote!(::larder::Loaded::new(#value)),
    };
    let judged = judged(attributes, &value, loaded);
    Some(quote!(|(key, #value)| (key, #judged)))
}

/// The load of the keys that are missing, by the call `called`, and what becomes of its values and of its error.
fn outcome(
    attributes: &Attributes,
    signature: &Signature,
    called: &TokenStream,
    (values, error): (&Ident, &Ident),
) -> [TokenStream; 3] {
    let output = &signature.output;
    let fallible = quote!(<#output as ::larder::memo::Fallible>);
    let pairs = |pairs: TokenStream| match with_rules(attributes) {
        Some(rules) => {
            quote!(#pairs.map(|pairs| ::std::iter::IntoIterator::into_iter(pairs).map(#rules)))
        }
        None => pairs,
    };
    if !signature.is_fallible {
        let load = quote!(::std::result::Result::<_, ::std::convert::Infallible>::Ok(#called));
        return [pairs(load), quote!(#values), quote!()];
    }
    [
        pairs(quote!(::larder::memo::Fallible::into_result(#called))),
        quote!(#fallible::of_value(#values)),
        quote! {
            ::std::result::Result::Err(::larder::LoadError::Failed(#error)) => #fallible::of_error(#error),
        },
    ]
}

/// The statements of a function that asks `cache` for its keys; `body` is the name of what it memoizes.
pub(crate) fn walk(
    attributes: &Attributes,
    function: &ItemFn,
    signature: &Signature,
    (cache, (keys, element)): (&TokenStream, &(Ident, syn::Type)),
    body: &TokenStream,
) -> TokenStream {
    let local = |name: &str| Ident::new(name, Span::mixed_site());
    let [cache_, missing, values, error] = ["cache", "missing", "values", "error"].map(local);
    let output = &signature.output;
    let fallible = quote!(<#output as ::larder::memo::Fallible>);
    let skipped: Vec<_> = signature
        .names
        .iter()
        .filter(|name| *name != keys)
        .collect();
    let passed = |given: TokenStream| {
        let pass = signature.names.iter().map(move |name| {
            if name == keys {
                given.clone()
            } else {
                quote!(#name)
            }
        });
        quote!(#(#pass),*)
    };
    let is_async = function.sig.asyncness.is_some();
    let wait = is_async.then(|| quote!(.await));
    let (ask, moved) = match is_async {
        true => (quote!(get_many_or_load_async), quote!(async move)),
        false => (quote!(get_many_or_load), quote!()),
    };
    let of_missing = passed(quote!(&#missing));
    let called = quote!(#body(#of_missing)#wait);
    let [load, of_value, failed] = outcome(attributes, signature, &called, (&values, &error));
    let timed_out = timed_out(attributes, &fallible);
    let of_all = passed(quote!(#keys));
    quote! {
        let #cache_ = #cache;
        match #cache_.#ask(#keys, |#missing| {
            let #missing: ::std::vec::Vec<#element> = #missing.into_iter().cloned().collect();
            #(let #skipped = ::std::clone::Clone::clone(&#skipped);)*
            #moved { #load }
        })#wait {
            ::std::result::Result::Ok(#values) => {
                let #values = #keys.iter().cloned().zip(#values);
                let #values = #values.filter_map(|(key, value)| ::std::option::Option::Some((key, value?))).collect();
                #of_value
            }
            #failed
            #timed_out
            // The function asks itself for a key that it computes: the inner call is not kept.
            ::std::result::Result::Err(_) => #body(#of_all)#wait,
        }
    }
}
