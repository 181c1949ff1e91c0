//! What `#[memoize(scope = cx(…))]` writes: a function whose results belong to its request, and are lent.
//!
//! ```text
//! fn f(cx: &Cx, a) -> R          becomes       fn f<'cx>(cx: &'cx Cx, a) -> &'cx R
//! fn f(cx: &Cx, a) -> Result<R, E>             fn f<'cx>(cx: &'cx Cx, a) -> Result<&'cx R, E>
//! ```

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{
    Error, Expr, FnArg, GenericArgument, GenericParam, ItemFn, Lifetime, LifetimeParam, Pat,
    PathArguments, Result, ReturnType, Signature as Written, Type, parse_quote,
};

use crate::attributes::Attributes;
use crate::body::Body;
use crate::memoize::{key, local};
use crate::signature::{Signature, is_named};

/// The lifetime of the request, where it has no name yet.
const REQUEST: &str = "'larder_request";

pub(crate) fn expand(
    attributes: &Attributes,
    function: &ItemFn,
    signature: &Signature,
    memos: &Expr,
) -> Result<TokenStream> {
    let ItemFn { attrs, vis, .. } = function;
    let mut lending = function.sig.clone();
    let lifetime = lifetime(&mut lending, memos)?;
    let lent = lent(signature, lifetime.as_ref());
    lending.output = ReturnType::Type(Default::default(), Box::new(lent));
    let body = Body::of(function, signature);
    let (within, beside) = (&body.within, &body.beside);
    let walk = walk(attributes, function, signature, (memos, &body.name));
    Ok(quote! {
        #(#attrs)*
        #vis #lending {
            #within
            #walk
        }

        #beside
    })
}

/// The statements of the function; `body` is how its body is called.
fn walk(
    attributes: &Attributes,
    function: &ItemFn,
    signature: &Signature,
    (memos, body): (&Expr, &TokenStream),
) -> TokenStream {
    let [kept, key_, moved_, value, error] = ["kept", "key", "moved", "value", "error"].map(local);
    let made = key(attributes, signature);
    let owned = match &attributes.key {
        Some(key) => key.owned.to_token_stream(),
        None => signature.key_type(),
    };
    let value_type = signature.value_type();
    let found = match memos {
        // A reference: `as_ref` of it lives as long as the request, that of a reference to it would not.
        Expr::Path(_) | Expr::MethodCall(_) => quote!(#memos),
        _ => quote!(&#memos),
    };
    let (wait, ask) = match function.sig.asyncness {
        Some(_) => (quote!(.await), quote!(fetch_async)),
        None => (quote!(), quote!(fetch)),
    };
    let (passed, moved) = (signature.passed(), signature.moved());
    let call = quote! {{
        let (#(#moved,)*) = #moved_.take().expect("the body runs once");
        #body(#(#passed),*)#wait
    }};
    let load = if signature.unwraps {
        quote!(::larder::memo::Fallible::into_result(#call))
    } else {
        quote!(::std::result::Result::<_, ::std::convert::Infallible>::Ok(#call))
    };
    let loader = match function.sig.asyncness {
        Some(_) => quote!(async { #load }),
        None => quote!(|| #load),
    };
    let ok = |value: TokenStream| match signature.unwraps {
        true => quote!(::std::result::Result::Ok(#value)),
        false => value,
    };
    let (landed, held) = (ok(quote!(#value)), ok(quote!(#kept.hold(#value))));
    let failed = signature.unwraps.then(|| {
        quote! {
            ::std::result::Result::Err(::larder::LoadError::Failed(#error)) => ::std::result::Result::Err(#error),
        }
    });
    let refused = match signature.unwraps {
        true => quote!(::std::result::Result::Err(#error)),
        false => quote!(match #error {}),
    };
    quote! {
        struct Results;
        let #kept = ::std::convert::AsRef::<::larder::Memos>::as_ref(#found)
            .of::<Results, #owned, #value_type>();
        let #key_ = #made;
        let mut #moved_ = ::std::option::Option::Some((#(#moved,)*));
        match #kept.#ask(&#key_, #loader)#wait {
            ::std::result::Result::Ok(#value) => #landed,
            #failed
            // The function calls itself with the same arguments: others are not shown what the inner call brings.
            ::std::result::Result::Err(_) => match #load {
                ::std::result::Result::Ok(#value) => #held,
                ::std::result::Result::Err(#error) => #refused,
            },
        }
    }
}

/// The lifetime of the reference through which the request is found; `None` where it is that of `self`, as it is.
fn lifetime(written: &mut Written, memos: &Expr) -> Result<Option<Lifetime>> {
    let wanted = "`cx(…)` begins with an argument that is a reference, or `self`: `cx(request)`";
    let wrong = || Error::new(memos.span(), wanted);
    let base = crate::tags::base(memos).ok_or_else(wrong)?;
    for argument in &mut written.inputs {
        match argument {
            FnArg::Receiver(receiver) if base == "self" => {
                return match &receiver.reference {
                    Some((_, lifetime)) => Ok(lifetime.clone()),
                    None => Err(wrong()),
                };
            }
            FnArg::Typed(typed) if matches!(&*typed.pat, Pat::Ident(name) if name.ident == base) => {
                let Type::Reference(reference) = &mut *typed.ty else {
                    return Err(wrong());
                };
                if let Some(lifetime) = &reference.lifetime {
                    return Ok(Some(lifetime.clone()));
                }
                let lifetime = Lifetime::new(REQUEST, Span::call_site());
                reference.lifetime = Some(lifetime.clone());
                let parameter = GenericParam::Lifetime(LifetimeParam::new(lifetime.clone()));
                written.generics.params.insert(0, parameter);
                return Ok(Some(lifetime));
            }
            _ => {}
        }
    }
    Err(wrong())
}

/// The return type, with a reference in the place of what is kept.
fn lent(signature: &Signature, lifetime: Option<&Lifetime>) -> Type {
    let output = &signature.output;
    if !signature.unwraps {
        return parse_quote!(& #lifetime #output);
    }
    if let Type::Path(path) = output
        && is_named(output, "Result")
    {
        let mut path = path.clone();
        if let Some(last) = path.path.segments.last_mut()
            && let PathArguments::AngleBracketed(arguments) = &mut last.arguments
            && let Some(GenericArgument::Type(first)) = arguments.args.first_mut()
        {
            *first = parse_quote!(& #lifetime #first);
            return Type::Path(path);
        }
    }
    let fallible = quote!(<#output as ::larder::memo::Fallible>);
    parse_quote!(::std::result::Result<& #lifetime #fallible::Value, #fallible::Error>)
}
