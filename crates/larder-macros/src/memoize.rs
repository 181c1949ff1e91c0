//! What `#[memoize]` writes.
//!
//! ```text
//! fn f(a, b) -> R        asks the cache for the borrowed arguments; a miss calls the body
//! mod f                  the cache, the body as `uncached`, and the companions
//! ```
//!
//! A function and a module may share a name. Methods have no module: their body goes on as `f_uncached` (see
//! [`Body`]), and the companions are the calls of the cache in their field.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Ident, ItemFn, Result, Visibility};

use crate::attributes::{Attributes, Bound, Scope, written};
use crate::body::Body;
use crate::signature::{From, Signature};
use crate::tags::Template;
use crate::{bulk, request};

pub(crate) fn expand(attributes: &Attributes, function: &ItemFn) -> Result<TokenStream> {
    let signature = Signature::of(function, attributes)?;
    Ok(match &attributes.scope {
        Scope::Field(field) => method(attributes, function, &signature, &quote!(&#field)),
        Scope::Request(memos) => request::expand(attributes, function, &signature, memos)?,
        Scope::Static | Scope::Thread | Scope::Named(_) => free(attributes, function, &signature),
    })
}

/// A variable that no argument's name can be confused with.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The key, without a clone of any argument.
pub(crate) fn key(attributes: &Attributes, signature: &Signature) -> TokenStream {
    match &attributes.key {
        Some(key) => key.made.to_token_stream(),
        None => signature.borrowed(From::Call),
    }
}

/// `value` with its tags and its time to live, as a `Loaded`; `key` is a reference.
fn loaded(
    attributes: &Attributes,
    signature: &Signature,
    key: &TokenStream,
    value: &Ident,
) -> TokenStream {
    if attributes.tags.is_empty() && attributes.ttl_fn.is_none() {
        return quote!(::larder::Loaded::new(#value));
    }
    let (of_result, of_key): (Vec<_>, Vec<_>) =
        (attributes.tags.iter()).partition(|template| template.names_result());
    let of_key = of_key.into_iter().map(Template::tag);
    let of_result: Vec<_> = of_result.into_iter().map(Template::tag).collect();
    let [tags, ttl, loaded] = ["tags", "ttl", "loaded"].map(local);
    let extend = (!of_result.is_empty()).then(|| quote!(#tags.extend([#(#of_result),*]);));
    let live = (attributes.ttl_fn.as_ref())
        .map(|rule| quote!(#ttl = ::larder::memo::lifetime(result, #rule);));
    let of_success = (extend.is_some() || live.is_some()).then(|| {
        let pattern = success(signature);
        quote! {
            #[allow(irrefutable_let_patterns)]
            if let #pattern = &#value { #extend #live }
        }
    });
    let named_key = attributes.key.as_ref().map(|_| quote!(let key = #key;));
    quote! {{
        #named_key
        #[allow(unused_mut)]
        let mut #tags = ::std::vec::Vec::<::larder::Tag>::from([#(#of_key),*]);
        #[allow(unused_mut)]
        let mut #ttl = ::std::option::Option::<::std::time::Duration>::None;
        #of_success
        let #loaded = #tags.into_iter().fold(::larder::Loaded::new(#value), ::larder::Loaded::tag);
        #ttl.into_iter().fold(#loaded, ::larder::Loaded::ttl)
    }}
}

/// The pattern by which a reference to what is kept shows the success in it, as `result`.
fn success(signature: &Signature) -> TokenStream {
    let keeps_result = signature.is_fallible && !signature.unwraps;
    match (keeps_result, signature.is_optional) {
        (true, true) => quote!(::std::result::Result::Ok(::std::option::Option::Some(
            result
        ))),
        (true, false) => quote!(::std::result::Result::Ok(result)),
        (false, true) => quote!(::std::option::Option::Some(result)),
        (false, false) => quote!(result),
    }
}

/// `loaded`, which is made of `value`, or the same for those alone who asked.
pub(crate) fn judged(attributes: &Attributes, value: &Ident, loaded: TokenStream) -> TokenStream {
    let Some(rule) = &attributes.cache_if else {
        return loaded;
    };
    let is_kept = local("is_kept");
    quote! {{
        let #is_kept = ::larder::memo::is_kept(&#value, #rule);
        let #value = #loaded;
        if #is_kept { #value } else { #value.unstored() }
    }}
}

/// The statements of a function that asks `cache` by its call `ask`, `fetch` or `refresh`; `body` is the name of what it
/// memoizes.
fn walk(
    attributes: &Attributes,
    function: &ItemFn,
    signature: &Signature,
    (cache, ask): (&TokenStream, &str),
    body: &TokenStream,
) -> TokenStream {
    if let Some(keys) = &signature.bulk {
        return bulk::walk(attributes, function, signature, (cache, keys), body);
    }
    let [cache_, key_, moved_, value, error] =
        ["cache", "key", "moved", "value", "error"].map(local);
    let made = key(attributes, signature);
    let output = &signature.output;
    let is_async = function.sig.asyncness.is_some();
    let wait = is_async.then(|| quote!(.await));
    let ask = match is_async {
        true => format_ident!("{ask}_async"),
        false => format_ident!("{ask}"),
    };
    // What the key does not borrow goes to the one call of the body, inside the loader or in its stead.
    let (passed, moved) = (signature.passed(), signature.moved());
    let call = quote! {{
        let (#(#moved,)*) = #moved_.take().expect("the body runs once");
        #body(#(#passed),*)#wait
    }};
    let loaded = loaded(attributes, signature, &quote!(&#key_), &value);
    let loaded = judged(attributes, &value, loaded);
    let load = if signature.unwraps {
        quote!(::larder::memo::Fallible::into_result(#call).map(|#value| #loaded))
    } else {
        quote! {{
            let #value = #call;
            ::std::result::Result::<_, ::std::convert::Infallible>::Ok(#loaded)
        }}
    };
    let loader = match is_async {
        true => quote!(async { #load }),
        false => quote!(|| #load),
    };
    let fallible = quote!(<#output as ::larder::memo::Fallible>);
    let (of_value, failed) = if signature.unwraps {
        let failed = quote! {
            ::std::result::Result::Err(::larder::LoadError::Failed(#error)) => #fallible::of_error(#error),
        };
        (quote!(#fallible::of_value(#value)), failed)
    } else {
        (quote!(#value), quote!())
    };
    let timed_out = timed_out(attributes, &fallible);
    let patience =
        (attributes.unshared.as_ref()).map(|_| quote!(.patient(::std::time::Duration::ZERO)));
    quote! {
        let #cache_ = #cache;
        let #key_ = #made;
        let mut #moved_ = ::std::option::Option::Some((#(#moved,)*));
        match #cache_ #patience.#ask(&#key_, #loader)#wait {
            ::std::result::Result::Ok(#value) => #of_value,
            #failed
            #timed_out
            // The function calls itself with the same arguments, or another caller runs it and is not to be waited
            // for: this call is not kept.
            ::std::result::Result::Err(_) => #call,
        }
    }
}

/// The arm of a caller whose patience is over, where it has an end.
pub(crate) fn timed_out(attributes: &Attributes, fallible: &TokenStream) -> Option<TokenStream> {
    attributes.timeout.as_ref().map(|name| {
        // An error type that cannot say so is answered at the setting.
        let from = quote_spanned!(name.span()=> ::std::convert::From::from);
        let late = quote!(::larder::LoadError::<::std::convert::Infallible>::TimedOut);
        quote! {
            ::std::result::Result::Err(::larder::LoadError::TimedOut) => #fallible::of_error(#from(#late)),
        }
    })
}

/// A method, and its body under another name.
fn method(
    attributes: &Attributes,
    function: &ItemFn,
    signature: &Signature,
    cache: &TokenStream,
) -> TokenStream {
    let ItemFn {
        attrs, vis, sig, ..
    } = function;
    let body = Body::of(function, signature);
    let (within, beside) = (&body.within, &body.beside);
    let walk = walk(
        attributes,
        function,
        signature,
        (cache, "fetch"),
        &body.name,
    );
    quote! {
        #(#attrs)*
        #vis #sig {
            #within
            #walk
        }

        #beside
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
    let cache = quote!(#name::cache());
    let uncached = quote!(#name::uncached);
    let walk = walk(
        attributes,
        function,
        signature,
        (&cache, "fetch"),
        &uncached,
    );
    let companions = companions(attributes, function, signature);
    let mut body_sig = sig.clone();
    body_sig.ident = format_ident!("uncached");
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
    let kept = quote!(::larder::Cache<#key, #value>);
    if let Scope::Named(named) = &attributes.scope {
        return quote! {
            /// The cache.
            pub fn cache() -> &'static #kept {
                &#named
            }
        };
    }
    let bound = match &attributes.bound {
        Bound::Entries(entries) => quote!(.max_entries(#entries)),
        Bound::Weight(weight) => quote!(.max_weight(#weight)),
        Bound::None => quote!(.unbounded()),
    };
    let weigher = attributes
        .weigher
        .iter()
        .map(|weigher| quote!(.weigher(#weigher)));
    let settings = settings(attributes, signature);
    let build = quote! {
        ::larder::Cache::builder() #bound #(#weigher)* #settings
            .build()
            .expect("the settings in #[memoize] are valid")
    };
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
        _ => {
            let name = match &attributes.name {
                Some(name) => quote!(#name),
                None => quote!(::std::module_path!()),
            };
            quote! {
                /// The cache.
                pub fn cache() -> &'static #kept {
                    static CACHE: ::std::sync::LazyLock<#kept> = ::std::sync::LazyLock::new(|| {
                        ::larder::memo::list(#name, || self::cache().stats());
                        #build
                    });
                    &CACHE
                }
            }
        }
    }
}

/// The calls of the builder that say how long results are kept.
fn settings(attributes: &Attributes, signature: &Signature) -> TokenStream {
    let mut calls = TokenStream::new();
    let freshness = &attributes.freshness;
    match attributes.ttl.map(written) {
        Some(ttl) if freshness.is_empty() => calls.extend(quote!(.ttl(#ttl))),
        Some(ttl) => {
            calls.extend(quote!(.freshness(::larder::Freshness::new(#ttl) #(#freshness)*)));
        }
        None => {}
    }
    if let Some(idle) = attributes.idle.map(written) {
        calls.extend(quote!(.idle(#idle)));
    }
    if !attributes.tags.is_empty() {
        calls.extend(quote!(.tags(::larder::Tags::shared())));
    }
    if signature.bulk.is_some() {
        calls.extend(bulk::tagging(attributes, signature));
    }
    let output = &signature.output;
    let none = attributes.none.as_ref().map(|(_, none)| written(*none));
    let error = attributes.errors.as_ref().map(|(_, error)| written(*error));
    match (&error, &none) {
        (Some(error), _) => calls.extend(quote!(.error_ttl(#error))),
        (None, Some(none)) => calls.extend(quote!(.none_ttl(#none))),
        (None, None) => {}
    }
    if let (Some(error), Some(none)) = (error, none) {
        calls.extend(quote!(.ttl_of(|result: &#output| match result {
            ::std::result::Result::Err(_) => ::std::option::Option::Some(#error),
            ::std::result::Result::Ok(::std::option::Option::None) => ::std::option::Option::Some(#none),
            ::std::result::Result::Ok(_) => ::std::option::Option::None,
        })));
    }
    if let Some(clock) = &attributes.clock {
        calls.extend(quote!(.clock(#clock)));
    }
    calls
}

/// The calls beside a function that concern what it keeps.
fn companions(attributes: &Attributes, function: &ItemFn, signature: &Signature) -> TokenStream {
    let value_type = signature.value_type();
    let (arguments, found) = match &attributes.key {
        Some(key) => {
            let owned = &key.owned;
            (quote!(key: &#owned), quote!(key))
        }
        None => {
            let borrowed = signature.borrowed(From::Companion);
            (signature.companion_arguments(), quote!(&#borrowed))
        }
    };
    let (arguments, found) = match &signature.bulk {
        Some((_, element)) => (quote!(key: &#element), quote!(key)),
        None => (arguments, found),
    };
    let value = local("value");
    let loaded = match &signature.bulk {
        Some(_) => quote!(::larder::Loaded::new(#value)),
        None => loaded(attributes, signature, &quote!(key), &value),
    };
    let mut refresh = function.sig.clone();
    refresh.ident = format_ident!("refresh");
    let (cache, uncached) = (quote!(self::cache()), quote!(self::uncached));
    let walk = walk(
        attributes,
        function,
        signature,
        (&cache, "refresh"),
        &uncached,
    );
    let inner = inside(&function.vis);
    let refresh = signature.bulk.is_none().then(|| {
        quote! {
            /// Computes the result anew and keeps it.
            #inner #refresh {
                #walk
            }
        }
    });
    quote! {
        /// Forgets the result for these arguments; `false` if there was none.
        #inner fn invalidate(#arguments) -> bool {
            self::cache().remove(#found).is_some()
        }

        /// The result for these arguments, if it is kept: nothing is computed and no access counted.
        #inner fn peek(#arguments) -> ::std::option::Option<#value_type> {
            self::cache().peek(#found)
        }

        /// Keeps a result that was got elsewhere.
        #inner fn put(#arguments, #value: #value_type) {
            self::cache().insert_loaded(::larder::memo::ToKey::to_key(#found), #loaded);
        }

        #refresh

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
