//! `Attributes`: what stands in the brackets of `#[memoize(…)]`, read and checked.

use std::time::Duration;

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitInt, LitStr, Result, Token, Type, parenthesized};

const KNOWN: &str =
    "max_entries, max_weight, weigher, unbounded, ttl, idle, key, skip, scope, result";

/// Entries of a cache about whose size nothing is said.
const USUAL_ENTRIES: u64 = 10_000;

/// How many results are kept.
pub(crate) enum Bound {
    Entries(Expr),
    Weight(Expr),
    None,
}

/// Whose results are kept together.
pub(crate) enum Scope {
    /// One cache for the process.
    Static,
    /// One for each thread.
    Thread,
    /// A cache that the caller has.
    Field(Box<Expr>),
}

/// A key that is not made of the arguments as they are.
pub(crate) struct Key {
    pub(crate) owned: Type,
    pub(crate) made: Expr,
}

pub(crate) struct Attributes {
    pub(crate) bound: Bound,
    pub(crate) weigher: Option<Expr>,
    pub(crate) ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) key: Option<Key>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) scope: Scope,
    /// The return type is a `Result` under another name.
    pub(crate) result: bool,
}

/// Notes a setting, or says that it was given before.
fn once<T>(place: &mut Option<T>, name: &Ident, value: T) -> Result<()> {
    if place.replace(value).is_some() {
        return Err(Error::new(name.span(), format!("`{name}` is given twice")));
    }
    Ok(())
}

/// Whether nothing follows the setting before its comma.
fn is_bare(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

impl Parse for Attributes {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut bound = None;
        let (mut weigher, mut ttl, mut idle, mut key) = (None, None, None, None);
        let (mut skip, mut scope, mut result) = (None, None, None);
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            match name.to_string().as_str() {
                "max_entries" => once(&mut bound, &name, Bound::Entries(value(input, &name)?))?,
                "max_weight" => once(&mut bound, &name, Bound::Weight(value(input, &name)?))?,
                "unbounded" => once(&mut bound, &name, Bound::None)?,
                "weigher" => once(&mut weigher, &name, value(input, &name)?)?,
                "ttl" => once(&mut ttl, &name, duration(input, &name)?)?,
                "idle" => once(&mut idle, &name, duration(input, &name)?)?,
                "key" => once(&mut key, &name, parse_key(input, &name)?)?,
                "skip" => once(&mut skip, &name, names(input, &name)?)?,
                "scope" => once(&mut scope, &name, parse_scope(input, &name)?)?,
                "result" if is_bare(input) => once(&mut result, &name, true)?,
                other => {
                    let message = format!("`{other}` is not a setting of memoize: {KNOWN}");
                    return Err(Error::new(name.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let usual = || {
            let entries = LitInt::new(&USUAL_ENTRIES.to_string(), Span::call_site());
            Bound::Entries(syn::parse_quote!(#entries))
        };
        Ok(Attributes {
            bound: bound.unwrap_or_else(usual),
            weigher,
            ttl,
            idle,
            key,
            skip: skip.unwrap_or_default(),
            scope: scope.unwrap_or(Scope::Static),
            result: result.unwrap_or(false),
        })
    }
}

/// `= value`
fn value(input: ParseStream<'_>, name: &Ident) -> Result<Expr> {
    if is_bare(input) {
        let message = format!("`{name}` needs a value: `{name} = …`");
        return Err(Error::new(name.span(), message));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `= "60s"`
fn duration(input: ParseStream<'_>, name: &Ident) -> Result<Duration> {
    let wanted =
        format!("`{name}` is a duration in quotes: `{name} = \"60s\"`, with ms, s, m, h or d");
    if input.parse::<Token![=]>().is_err() || !input.peek(LitStr) {
        return Err(Error::new(name.span(), wanted));
    }
    let literal: LitStr = input.parse()?;
    let text = literal.value();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(Error::new(literal.span(), wanted)),
    };
    let number: Option<u64> = number.parse().ok();
    match number.and_then(|number| number.checked_mul(scale)) {
        Some(ms) if ms > 0 => Ok(Duration::from_millis(ms)),
        _ => Err(Error::new(literal.span(), wanted)),
    }
}

/// `: Type = expression`
fn parse_key(input: ParseStream<'_>, name: &Ident) -> Result<Key> {
    if !input.peek(Token![:]) {
        let message = "a key is written with its type: `key: u64 = user.id`";
        return Err(Error::new(name.span(), message));
    }
    input.parse::<Token![:]>()?;
    let owned = input.parse()?;
    input.parse::<Token![=]>()?;
    Ok(Key {
        owned,
        made: input.parse()?,
    })
}

/// `(name, name)`
fn names(input: ParseStream<'_>, name: &Ident) -> Result<Vec<Ident>> {
    if !input.peek(syn::token::Paren) {
        let message = format!("`{name}` names arguments: `{name}(db)`");
        return Err(Error::new(name.span(), message));
    }
    let inside;
    parenthesized!(inside in input);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated(&inside)?;
    Ok(names.into_iter().collect())
}

/// `= static`, `= thread`, `= field(self.cache)`
fn parse_scope(input: ParseStream<'_>, name: &Ident) -> Result<Scope> {
    let wanted = "`scope` is `static`, `thread` or `field(self.cache)`";
    if input.parse::<Token![=]>().is_err() {
        return Err(Error::new(name.span(), wanted));
    }
    if input.peek(Token![static]) {
        input.parse::<Token![static]>()?;
        return Ok(Scope::Static);
    }
    let kind: Ident = input
        .parse()
        .map_err(|error| Error::new(error.span(), wanted))?;
    match kind.to_string().as_str() {
        "thread" => Ok(Scope::Thread),
        "field" if input.peek(syn::token::Paren) => {
            let inside;
            parenthesized!(inside in input);
            Ok(Scope::Field(Box::new(inside.parse()?)))
        }
        _ => Err(Error::new(kind.span(), wanted)),
    }
}
