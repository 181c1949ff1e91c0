//! `Signature`: a function's arguments as the key of its results.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericArgument, GenericParam, Ident, ItemFn, Pat, PathArguments, Result,
    ReturnType, Type,
};

use crate::attributes::{Attributes, Scope};
use crate::bulk;

/// An argument that is a part of the key.
struct Part {
    name: Ident,
    /// `T` of an argument `&T`, or the argument's type.
    held: Type,
    is_reference: bool,
}

/// See the module's text.
pub(crate) struct Signature {
    parts: Vec<Part>,
    /// The names of all arguments but `self`, in order.
    pub(crate) names: Vec<Ident>,
    pub(crate) has_self: bool,
    /// The argument through which results are found.
    pub(crate) place: Option<Ident>,
    pub(crate) output: Type,
    /// Whether only a success is kept.
    pub(crate) is_fallible: bool,
    /// Whether what is kept is the success alone.
    pub(crate) unwraps: bool,
    /// Whether a success is an `Option`.
    pub(crate) is_optional: bool,
    /// The slice of keys of a function that answers for many at once, and their type.
    pub(crate) bulk: Option<(Ident, Type)>,
}

const MOST_PARTS: usize = 6;

impl Signature {
    pub(crate) fn of(function: &ItemFn, attributes: &Attributes) -> Result<Self> {
        let in_field = matches!(attributes.scope, Scope::Field(_));
        let has_place = in_field || matches!(attributes.scope, Scope::Request(_));
        let place = attributes.scope.argument();
        refuse_generics(function, in_field)?;
        let (mut parts, mut names, mut has_self) = (Vec::new(), Vec::new(), false);
        for argument in &function.sig.inputs {
            let typed = match argument {
                FnArg::Receiver(receiver) if !has_place => {
                    let message =
                        "a method keeps its results in a field: `scope = field(self.cache)`";
                    return Err(Error::new(receiver.span(), message));
                }
                FnArg::Receiver(_) => {
                    has_self = true;
                    continue;
                }
                FnArg::Typed(typed) => typed,
            };
            let Pat::Ident(pattern) = &*typed.pat else {
                return Err(Error::new(
                    typed.pat.span(),
                    "an argument needs a name here",
                ));
            };
            names.push(pattern.ident.clone());
            let is_skipped =
                attributes.skip.contains(&pattern.ident) || place.as_ref() == Some(&pattern.ident);
            if attributes.key.is_none() && !is_skipped {
                parts.push(part(pattern.ident.clone(), &typed.ty)?);
            }
        }
        for skipped in &attributes.skip {
            if !names.contains(skipped) {
                let message = format!("there is no argument `{skipped}` to skip");
                return Err(Error::new(skipped.span(), message));
            }
        }
        if parts.len() > MOST_PARTS {
            let message = "more than six arguments make no key: `key: Type = …`, or skip some";
            return Err(Error::new(function.sig.inputs.span(), message));
        }
        let output = match &function.sig.output {
            ReturnType::Type(_, output) => (**output).clone(),
            ReturnType::Default => {
                return Err(Error::new(
                    function.sig.span(),
                    "there is no result to keep",
                ));
            }
        };
        let is_fallible = attributes.result || is_named_result(&output);
        let bulk = attributes.bulk.as_ref().map(|bulk| slice(bulk, &parts));
        let signature = Signature {
            parts,
            names,
            has_self,
            place: place.filter(|place| *place != "self"),
            is_fallible,
            unwraps: is_fallible && attributes.errors.is_none(),
            is_optional: is_optional(&output, is_fallible),
            bulk: bulk.transpose()?,
            output,
        };
        signature.check(attributes)?;
        Ok(signature)
    }

    /// Refuses settings that do not fit the function.
    fn check(&self, attributes: &Attributes) -> Result<()> {
        let of_result = [
            attributes.errors.as_ref().map(|(name, _)| name),
            attributes.timeout.as_ref(),
        ];
        if let (false, Some(name)) = (self.is_fallible, of_result.into_iter().flatten().next()) {
            let message = format!(
                "`{name}` is for a function that returns a `Result`; if it is one under another name, say `result`"
            );
            return Err(Error::new(name.span(), message));
        }
        if let (false, Some((name, _))) = (self.is_optional, &attributes.none) {
            let message =
                "`none` is for a function that returns `Option<T>` or `Result<Option<T>, E>`";
            return Err(Error::new(name.span(), message));
        }
        if self.bulk.is_some() {
            return bulk::check(attributes);
        }
        if let Scope::Request(_) = &attributes.scope {
            return Ok(());
        }
        let known = match &attributes.key {
            Some(_) => vec![format_ident!("key")],
            None => self.parts.iter().map(|part| part.name.clone()).collect(),
        };
        attributes.tags.iter().try_for_each(|tag| tag.check(&known))
    }

    /// The arguments, for a call that leaves those that are parts of the key where they are.
    pub(crate) fn passed(&self) -> Vec<TokenStream> {
        let pass = |name: &Ident| match self.parts.iter().find(|part| part.name == *name) {
            Some(part) if !part.is_reference => quote!(::std::clone::Clone::clone(&#name)),
            _ => quote!(#name),
        };
        self.names.iter().map(pass).collect()
    }

    /// The arguments that are not parts of the key, and go to the body.
    pub(crate) fn moved(&self) -> Vec<&Ident> {
        let is_part = |name: &Ident| self.parts.iter().any(|part| part.name == *name);
        self.names.iter().filter(|name| !is_part(name)).collect()
    }

    /// The type of the key, owned.
    pub(crate) fn key_type(&self) -> TokenStream {
        if let Some((_, element)) = &self.bulk {
            return quote!(#element);
        }
        let types = self.parts.iter().map(|part| {
            let held = &part.held;
            if part.is_reference {
                quote!(<#held as ::std::borrow::ToOwned>::Owned)
            } else {
                quote!(#held)
            }
        });
        match self.parts.len() {
            0 => quote!(()),
            1 => quote!(#(#types)*),
            _ => quote!((#(#types),*)),
        }
    }

    /// The key, borrowed from arguments, or from what a companion was given.
    pub(crate) fn borrowed(&self, from: From) -> TokenStream {
        let parts = self.parts.iter().map(
            |Part {
                 name, is_reference, ..
             }| {
                if *is_reference || from == From::Companion {
                    quote!(#name)
                } else {
                    quote!(&#name)
                }
            },
        );
        match self.parts.len() {
            0 => quote!(()),
            _ => quote!(::larder::memo::Args((#(#parts,)*))),
        }
    }

    /// What a companion takes to name an entry.
    pub(crate) fn companion_arguments(&self) -> TokenStream {
        let arguments = self
            .parts
            .iter()
            .map(|Part { name, held, .. }| quote!(#name: &#held));
        quote!(#(#arguments),*)
    }

    /// The type of what is kept.
    pub(crate) fn value_type(&self) -> TokenStream {
        let output = &self.output;
        if self.bulk.is_some() {
            let pairs = self.success();
            return quote!(<#pairs as ::larder::memo::Pairs>::Value);
        }
        if self.unwraps {
            self.success()
        } else {
            quote!(#output)
        }
    }

    /// What a success is, errors left aside.
    pub(crate) fn success(&self) -> TokenStream {
        let output = &self.output;
        if self.is_fallible {
            quote!(<#output as ::larder::memo::Fallible>::Value)
        } else {
            quote!(#output)
        }
    }
}

/// Whose arguments a key is made of.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum From {
    Call,
    Companion,
}

/// The one argument of a function that answers for many keys at once.
fn slice(bulk: &Ident, parts: &[Part]) -> Result<(Ident, Type)> {
    match parts {
        [
            Part {
                name,
                held: Type::Slice(slice),
                is_reference: true,
            },
        ] => Ok((name.clone(), (*slice.elem).clone())),
        _ => Err(Error::new(
            bulk.span(),
            "`bulk` is for a function of one slice, `fn prices(ids: &[Id]) -> HashMap<Id, Price>`: skip its other arguments",
        )),
    }
}

fn refuse_generics(function: &ItemFn, in_field: bool) -> Result<()> {
    let generics = &function.sig.generics;
    let typed = |parameter: &&GenericParam| !matches!(parameter, GenericParam::Lifetime(_));
    match generics.params.iter().find(typed) {
        Some(parameter) if !in_field => Err(Error::new(
            parameter.span(),
            "a generic function has no one cache: use `scope = field(…)`, or memoize what it calls",
        )),
        _ => Ok(()),
    }
}

fn part(name: Ident, given: &Type) -> Result<Part> {
    let (held, is_reference) = match given {
        Type::Reference(reference) if reference.mutability.is_some() => {
            let message = format!("`&mut` makes no key: `skip({name})`, or `key: Type = …`");
            return Err(Error::new(given.span(), message));
        }
        Type::Reference(reference) => ((*reference.elem).clone(), true),
        Type::ImplTrait(_) => {
            let message = format!("`impl Trait` makes no key: `skip({name})`, or `key: Type = …`");
            return Err(Error::new(given.span(), message));
        }
        other => (other.clone(), false),
    };
    if let Type::Path(path) = &held
        && (path.path.is_ident("f32") || path.path.is_ident("f64"))
    {
        let message =
            format!("a float is not `Eq` and makes no key: `key: u64 = {name}.to_bits()`");
        return Err(Error::new(given.span(), message));
    }
    Ok(Part {
        name,
        held,
        is_reference,
    })
}

fn is_named_result(output: &Type) -> bool {
    is_named(output, "Result")
}

pub(crate) fn is_named(given: &Type, name: &str) -> bool {
    matches!(given, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// Whether a type is an `Option`, or a `Result` with one, as it is written.
fn is_optional(output: &Type, is_fallible: bool) -> bool {
    let Type::Path(path) = output else {
        return false;
    };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    let of_first = || match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(first)) => is_named(first, "Option"),
            _ => false,
        },
        _ => false,
    };
    last.ident == "Option" || is_fallible && of_first()
}

/// The name under which a method's body goes on.
pub(crate) fn body_name(name: &Ident) -> Ident {
    format_ident!("{name}_uncached")
}
