//! What `#[memoize]` writes.
//!
//! ```text
//! fn f(a, b) -> R        looks the borrowed arguments up; on a miss, loads through the cache
//! mod f                  the cache, the body as `uncached`, and the companions
//! ```
//!
//! A function and a module may share a name. Methods have no module: their body goes on as `f_uncached` beside them,
//! and the companions are the calls of the cache in their field.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemFn, Result, Visibility};

use crate::attributes::{Attributes, Bound, Scope};
use crate::signature::{From, Signature, body_name};

pub(crate) fn expand(attributes: &Attributes, function: &ItemFn) -> Result<TokenStream> {
    let signature = Signature::of(function, attributes)?;
    Ok(match &attributes.scope {
        Scope::Field(field) => method(attributes, function, &signature, &quote!(&#field)),
        Scope::Static | Scope::Thread => free(attributes, function, &signature),
    })
}

/// The key of a call: the borrowed one, and the owned one.
fn keys(attributes: &Attributes, signature: &Signature, from: From) -> (TokenStream, TokenStream) {
    match (&attributes.key, from) {
        (Some(key), From::Call) => {
            let made = &key.made;
            (quote!(#made), quote!(key))
        }
        (Some(_), From::Companion) => (quote!(key), quote!(::std::clone::Clone::clone(key))),
        (None, from) => (signature.borrowed(from), signature.owned(from)),
    }
}

/// The statements of the function that was memoized; `uncached` is a call of the body.
fn walk(
    attributes: &Attributes,
    function: &ItemFn,
    signature: &Signature,
    cache: &TokenStream,
    uncached: &TokenStream,
) -> TokenStream {
    let (borrowed, owned) = keys(attributes, signature, From::Call);
    let output = &signature.output;
    let is_async = function.sig.asyncness.is_some();
    let wait = is_async.then(|| quote!(.await));
    let (into_result, load) = match (is_async, signature.is_fallible) {
        (false, false) => (quote!(), quote!(get_or_load)),
        (false, true) => (
            quote!(::larder::memo::Fallible::into_result),
            quote!(get_or_try_load),
        ),
        (true, false) => (quote!(), quote!(get_or_load_async)),
        (true, true) => (
            quote!(::larder::memo::Fallible::into_result),
            quote!(get_or_try_load_async),
        ),
    };
    // The arguments go to the one call of the body, inside the loader or in its stead.
    let names = &signature.names;
    let take = quote! {
        let (#(#names,)*) = arguments.take().expect("the body runs once");
    };
    let loader = if is_async {
        quote!(async { #take #into_result(#uncached.await) })
    } else {
        quote!(|| { #take #into_result(#uncached) })
    };
    let (of_value, failed) = if signature.is_fallible {
        (
            quote!(<#output as ::larder::memo::Fallible>::of_value(value)),
            quote!(
                ::std::result::Result::Err(::larder::LoadError::Failed(error)) =>
                    <#output as ::larder::memo::Fallible>::of_error(error),
            ),
        )
    } else {
        (quote!(value), quote!())
    };
    quote! {
        let cache = #cache;
        let key = #borrowed;
        if let ::std::option::Option::Some(value) = cache.get(&key) {
            return #of_value;
        }
        let key = #owned;
        let mut arguments = ::std::option::Option::Some((#(#names,)*));
        let loaded = cache.#load(&key, #loader)#wait;
        match loaded {
            ::std::result::Result::Ok(value) => #of_value,
            #failed
            // The function calls itself with the same arguments: the inner call is not kept.
            ::std::result::Result::Err(_) => { #take #uncached #wait }
        }
    }
}

/// A method, and its body under another name.
fn method(
    attributes: &Attributes,
    function: &ItemFn,
    signature: &Signature,
    cache: &TokenStream,
) -> TokenStream {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
    } = function;
    let body = body_name(&sig.ident);
    let mut body_sig = sig.clone();
    body_sig.ident = body.clone();
    let names = &signature.names;
    let uncached = if signature.has_self {
        quote!(self.#body(#(#names),*))
    } else {
        quote!(Self::#body(#(#names),*))
    };
    let walk = walk(attributes, function, signature, cache, &uncached);
    quote! {
        #(#attrs)*
        #vis #sig {
            #walk
        }

        #[doc(hidden)]
        #vis #body_sig #block
    }
}

/// A function, and the module of its name.
fn free(attributes: &Attributes, function: &ItemFn, signature: &Signature) -> TokenStream {
    let ItemFn {
        attrs,
        vis,
        sig,
        block,
    } = function;
    let name = &sig.ident;
    let names = &signature.names;
    let uncached = quote!(#name::uncached(#(#names),*));
    let walk = walk(
        attributes,
        function,
        signature,
        &quote!(#name::cache()),
        &uncached,
    );
    let companions = companions(attributes, function, signature);
    let mut body_sig = sig.clone();
    body_sig.ident = quote::format_ident!("uncached");
    let inner = inside(vis);
    let (store, stored) = (
        store(attributes, signature),
        format!("Keeps results of [`{name}()`]."),
    );
    quote! {
        #(#attrs)*
        #vis #sig {
            #walk
        }

        #[doc = #stored]
        #[allow(dead_code, unused_imports, clippy::all)]
        #vis mod #name {
            use super::*;

            #store

            /// Computes the result and keeps nothing.
            #inner #body_sig #block

            #companions
        }
    }
}

/// The visibility, seen from a module further in.
fn inside(vis: &Visibility) -> TokenStream {
    match vis {
        Visibility::Public(_) => quote!(pub),
        Visibility::Restricted(restricted) => {
            let path = &restricted.path;
            if path.is_ident("crate") {
                quote!(pub(crate))
            } else if path.is_ident("self") {
                quote!(pub(super))
            } else {
                quote!(pub(in super::#path))
            }
        }
        Visibility::Inherited => quote!(pub(super)),
    }
}

/// The cache of a function, and `cache()`, which names it.
fn store(attributes: &Attributes, signature: &Signature) -> TokenStream {
    let key = match &attributes.key {
        Some(key) => {
            let owned = &key.owned;
            quote!(#owned)
        }
        None => signature.key_type(),
    };
    let value = signature.value_type();
    let bound = match &attributes.bound {
        Bound::Entries(entries) => quote!(.max_entries(#entries)),
        Bound::Weight(weight) => quote!(.max_weight(#weight)),
        Bound::None => quote!(.unbounded()),
    };
    let weigher = attributes
        .weigher
        .iter()
        .map(|weigher| quote!(.weigher(#weigher)));
    let duration = |duration: &std::time::Duration| {
        let ms = duration.as_millis() as u64;
        quote!(::std::time::Duration::from_millis(#ms))
    };
    let ttl = attributes.ttl.iter().map(|ttl| {
        let ttl = duration(ttl);
        quote!(.ttl(#ttl))
    });
    let idle = attributes.idle.iter().map(|idle| {
        let idle = duration(idle);
        quote!(.idle(#idle))
    });
    let build = quote! {
        ::larder::Cache::builder() #bound #(#weigher)* #(#ttl)* #(#idle)*
            .build()
            .expect("the settings in #[memoize] are valid")
    };
    let kept = quote!(::larder::Cache<#key, #value>);
    match attributes.scope {
        Scope::Thread => quote! {
            /// The cache of this thread.
            pub fn cache() -> ::std::rc::Rc<#kept> {
                ::std::thread_local! {
                    static CACHE: ::std::rc::Rc<#kept> = ::std::rc::Rc::new(#build);
                }
                CACHE.with(::std::rc::Rc::clone)
            }
        },
        _ => quote! {
            /// The cache.
            pub fn cache() -> &'static #kept {
                static CACHE: ::std::sync::LazyLock<#kept> = ::std::sync::LazyLock::new(|| #build);
                &CACHE
            }
        },
    }
}

/// The calls beside a function that concern what it keeps.
fn companions(attributes: &Attributes, function: &ItemFn, signature: &Signature) -> TokenStream {
    let (borrowed, owned) = keys(attributes, signature, From::Companion);
    let value = signature.value_type();
    let arguments = match &attributes.key {
        Some(key) => {
            let owned = &key.owned;
            quote!(key: &#owned)
        }
        None => signature.companion_arguments(),
    };
    let found = match attributes.key {
        Some(_) => borrowed,
        None => quote!(&#borrowed),
    };
    let mut refresh = function.sig.clone();
    refresh.ident = quote::format_ident!("refresh");
    let (names, output) = (&signature.names, &signature.output);
    let wait = refresh.asyncness.map(|_| quote!(.await));
    let (_, kept_key) = keys(attributes, signature, From::Call);
    let made = attributes.key.as_ref().map(|key| {
        let made = &key.made;
        quote!(let key = #made;)
    });
    let keep = if signature.is_fallible {
        quote! {
            match ::larder::memo::Fallible::into_result(uncached(#(#names),*)#wait) {
                ::std::result::Result::Ok(value) => {
                    cache().insert(kept_as, ::std::clone::Clone::clone(&value));
                    <#output as ::larder::memo::Fallible>::of_value(value)
                }
                ::std::result::Result::Err(error) =>
                    <#output as ::larder::memo::Fallible>::of_error(error),
            }
        }
    } else {
        quote! {
            let value = uncached(#(#names),*)#wait;
            cache().insert(kept_as, ::std::clone::Clone::clone(&value));
            value
        }
    };
    let inner = inside(&function.vis);
    quote! {
        /// Forgets the result for these arguments; `false` if there was none.
        #inner fn invalidate(#arguments) -> bool {
            cache().remove(#found).is_some()
        }

        /// The result for these arguments, if it is kept: nothing is computed and no access counted.
        #inner fn peek(#arguments) -> ::std::option::Option<#value> {
            cache().peek(#found)
        }

        /// Keeps a result that was got elsewhere.
        #inner fn put(#arguments, value: #value) {
            cache().insert(#owned, value);
        }

        /// Computes the result anew and keeps it.
        #inner #refresh {
            #made
            let kept_as = #kept_key;
            #keep
        }

        /// What the cache has done.
        #inner fn stats() -> ::larder::Stats {
            cache().stats()
        }

        /// Forgets all results.
        #inner fn clear() {
            cache().clear();
        }
    }
}
