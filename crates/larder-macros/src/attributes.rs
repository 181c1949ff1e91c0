//! `Attributes`: what stands in the brackets of `#[memoize(…)]`, read and checked.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, Lit, LitInt, LitStr, Result, Token, Type, parenthesized};

use crate::tags::{self, Template};

const KNOWN: &str = "max_entries, max_weight, weigher, unbounded, ttl, idle, jitter, refresh_at, early, stale, \
    stale_if_error, soft_timeout, timeout, none, errors, tags, name, clock, cache, cache_if, ttl_fn, single_flight, key, \
    skip, scope, bulk, result";

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
    /// A cache of that name, for the process.
    Named(Box<Expr>),
    /// What is kept for a request, found from an argument.
    Request(Box<Expr>),
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
    /// Calls of `Freshness`.
    pub(crate) freshness: Vec<TokenStream>,
    pub(crate) timeout: Option<Ident>,
    /// For how long `None` is kept.
    pub(crate) none: Option<(Ident, Duration)>,
    /// For how long errors are kept.
    pub(crate) errors: Option<(Ident, Duration)>,
    pub(crate) tags: Vec<Template>,
    /// Which results are kept.
    pub(crate) cache_if: Option<Expr>,
    /// For how long a success is kept.
    pub(crate) ttl_fn: Option<Expr>,
    /// That no caller waits for another's call of the body.
    pub(crate) unshared: Option<Ident>,
    pub(crate) clock: Option<Expr>,
    /// Under which the statistics are listed.
    pub(crate) name: Option<LitStr>,
    pub(crate) key: Option<Key>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) scope: Scope,
    /// The function answers for many keys at once.
    pub(crate) bulk: Option<Ident>,
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

/// Settings as they are read.
#[derive(Default)]
struct Reader {
    bound: Option<Bound>,
    weigher: Option<Expr>,
    ttl: Option<Duration>,
    idle: Option<Duration>,
    freshness: Vec<(Ident, TokenStream)>,
    none: Option<(Ident, Duration)>,
    errors: Option<(Ident, Duration)>,
    tags: Option<(Ident, Vec<Template>)>,
    cache_if: Option<(Ident, Expr)>,
    ttl_fn: Option<(Ident, Expr)>,
    /// `Some` inside if it is off.
    single_flight: Option<Option<Ident>>,
    clock: Option<Expr>,
    name: Option<(Ident, LitStr)>,
    key: Option<Key>,
    skip: Option<Vec<Ident>>,
    scope: Option<Scope>,
    cache: Option<(Ident, Expr)>,
    bulk: Option<Ident>,
    result: Option<bool>,
    /// Those that make the cache.
    of_cache: Vec<Ident>,
}

impl Reader {
    fn read(&mut self, input: ParseStream<'_>, name: &Ident) -> Result<()> {
        match name.to_string().as_str() {
            "tags" => {
                let tags = (name.clone(), tags::parse(input, name)?);
                return once(&mut self.tags, name, tags);
            }
            "key" => return once(&mut self.key, name, parse_key(input, name)?),
            "skip" => return once(&mut self.skip, name, names(input, name)?),
            "scope" => return once(&mut self.scope, name, parse_scope(input, name)?),
            "cache" => {
                let named = (name.clone(), value(input, name)?);
                return once(&mut self.cache, name, named);
            }
            "cache_if" => {
                let rule = (name.clone(), rule(input, name)?);
                return once(&mut self.cache_if, name, rule);
            }
            "ttl_fn" => {
                let rule = (name.clone(), rule(input, name)?);
                return once(&mut self.ttl_fn, name, rule);
            }
            "single_flight" => {
                let off = parse_single_flight(input, name)?;
                return once(&mut self.single_flight, name, off);
            }
            "bulk" if is_bare(input) => return once(&mut self.bulk, name, name.clone()),
            "result" if is_bare(input) => return once(&mut self.result, name, true),
            _ => self.of_cache.push(name.clone()),
        }
        match name.to_string().as_str() {
            "max_entries" => once(&mut self.bound, name, Bound::Entries(value(input, name)?)),
            "max_weight" => once(&mut self.bound, name, Bound::Weight(value(input, name)?)),
            "unbounded" => once(&mut self.bound, name, Bound::None),
            "weigher" => once(&mut self.weigher, name, value(input, name)?),
            "clock" => once(&mut self.clock, name, value(input, name)?),
            "name" => once(&mut self.name, name, (name.clone(), text(input, name)?)),
            "ttl" => once(&mut self.ttl, name, duration(input, name)?),
            "idle" => once(&mut self.idle, name, duration(input, name)?),
            "none" => once(&mut self.none, name, (name.clone(), duration(input, name)?)),
            "errors" => once(
                &mut self.errors,
                name,
                (name.clone(), duration(input, name)?),
            ),
            "jitter" | "refresh_at" => self.fresh(name, name, number(input, name, 1.0)?),
            "early" => self.fresh(name, name, number(input, name, f64::MAX)?),
            "stale" | "stale_if_error" | "soft_timeout" | "timeout" => {
                let method = match name.to_string().as_str() {
                    "stale" => format_ident!("stale_for"),
                    "timeout" => format_ident!("hard_timeout"),
                    _ => name.clone(),
                };
                let time = written(duration(input, name)?);
                self.fresh(name, &method, time)
            }
            other => {
                let message = format!("`{other}` is not a setting of memoize: {KNOWN}");
                Err(Error::new(name.span(), message))
            }
        }
    }

    /// Notes a call of `Freshness`.
    fn fresh(&mut self, name: &Ident, method: &Ident, value: TokenStream) -> Result<()> {
        let mut earlier = self.freshness.iter();
        let mut place = earlier.find(|(other, _)| other == name).map(|_| ());
        once(&mut place, name, ())?;
        self.freshness
            .push((name.clone(), quote!(.#method(#value))));
        Ok(())
    }

    /// Refuses settings that have no effect.
    fn check(&self) -> Result<()> {
        if let (Some(_), Some((name, _))) = (&self.scope, &self.cache) {
            let message = "`cache` says where results are kept, as `scope` does: give one of them";
            return Err(Error::new(name.span(), message));
        }
        let owner = match (&self.scope, &self.cache) {
            (Some(Scope::Field(_)), _) => Some("the cache in the field"),
            (_, Some(_)) => Some("the cache of that name"),
            _ => None,
        };
        if let (Some(owner), Some(name)) = (owner, self.of_cache.first()) {
            let message =
                format!("{owner} has its own settings: give `{name}` to its `Cache::builder()`");
            return Err(Error::new(name.span(), message));
        }
        self.check_request()?;
        self.check_flight()?;
        if let (Some(Scope::Thread), Some((name, _))) = (&self.scope, &self.name) {
            let message = "`name` is for one cache in the process: each thread has its own here";
            return Err(Error::new(name.span(), message));
        }
        if let (None, Some((name, _))) = (self.ttl, self.freshness.first()) {
            let message = format!("`{name}` needs a time to live: `ttl = \"60s\", {name} = …`");
            return Err(Error::new(name.span(), message));
        }
        Ok(())
    }
}

impl Reader {
    /// Refuses what has no meaning where results end with their request.
    fn check_request(&self) -> Result<()> {
        let Some(Scope::Request(_)) = &self.scope else {
            return Ok(());
        };
        let rules = [&self.cache_if, &self.ttl_fn];
        let rules = rules.into_iter().flatten().map(|(name, _)| name);
        let tags = self.tags.as_ref().map(|(name, _)| name);
        let settings = self.of_cache.iter().chain(rules).chain(tags);
        let settings = settings.chain(&self.bulk);
        match settings.chain(self.unshared()).next() {
            Some(name) => {
                let message = format!(
                    "`{name}` is not for `scope = cx(…)`: all results are kept until the request ends"
                );
                Err(Error::new(name.span(), message))
            }
            None => Ok(()),
        }
    }

    fn unshared(&self) -> Option<&Ident> {
        self.single_flight.as_ref()?.as_ref()
    }

    /// Refuses to bound a wait that there is none of.
    fn check_flight(&self) -> Result<()> {
        let mut waits = self.freshness.iter().map(|(name, _)| name);
        let wait = waits.find(|name| *name == "timeout" || *name == "soft_timeout");
        match (self.unshared(), wait, &self.bulk) {
            (Some(_), Some(wait), _) => {
                let message =
                    format!("with `single_flight = off` nobody waits: leave `{wait}` out");
                Err(Error::new(wait.span(), message))
            }
            (Some(off), _, Some(_)) => {
                let message = "the keys of a `bulk` function are always computed once each";
                Err(Error::new(off.span(), message))
            }
            _ => Ok(()),
        }
    }
}

impl Scope {
    /// The argument, or `self`, through which results are found.
    pub(crate) fn argument(&self) -> Option<Ident> {
        match self {
            Scope::Field(place) | Scope::Request(place) => tags::base(place),
            Scope::Static | Scope::Thread | Scope::Named(_) => None,
        }
    }
}

impl Parse for Attributes {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut reader = Reader::default();
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            reader.read(input, &name)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        reader.check()?;
        let usual = || {
            let entries = LitInt::new(&USUAL_ENTRIES.to_string(), Span::call_site());
            Bound::Entries(syn::parse_quote!(#entries))
        };
        let mut windows = reader.freshness.iter().map(|(name, _)| name);
        let named = (reader.cache).map(|(_, named)| Scope::Named(Box::new(named)));
        Ok(Attributes {
            timeout: windows.find(|name| *name == "timeout").cloned(),
            bound: reader.bound.unwrap_or_else(usual),
            weigher: reader.weigher,
            ttl: reader.ttl,
            idle: reader.idle,
            freshness: reader.freshness.into_iter().map(|(_, call)| call).collect(),
            none: reader.none,
            errors: reader.errors,
            tags: reader.tags.map_or_else(Vec::new, |(_, tags)| tags),
            cache_if: reader.cache_if.map(|(_, rule)| rule),
            ttl_fn: reader.ttl_fn.map(|(_, rule)| rule),
            unshared: reader.single_flight.flatten(),
            clock: reader.clock,
            name: reader.name.map(|(_, name)| name),
            key: reader.key,
            skip: reader.skip.unwrap_or_default(),
            scope: named.or(reader.scope).unwrap_or(Scope::Static),
            bulk: reader.bulk,
            result: reader.result.unwrap_or(false),
        })
    }
}

/// A duration as code.
pub(crate) fn written(duration: Duration) -> TokenStream {
    let ms = duration.as_millis() as u64;
    quote!(::std::time::Duration::from_millis(#ms))
}

/// `= 0.1`
fn number(input: ParseStream<'_>, name: &Ident, most: f64) -> Result<TokenStream> {
    let example = if most == 1.0 { "0.8" } else { "1.0" };
    let range = if most == 1.0 {
        "a number from 0 to 1"
    } else {
        "zero or more"
    };
    let wanted = format!("`{name}` is {range}: `{name} = {example}`");
    if input.parse::<Token![=]>().is_err() {
        return Err(Error::new(name.span(), wanted));
    }
    let literal: Lit = (input.parse()).map_err(|error| Error::new(error.span(), &wanted))?;
    let number: Option<f64> = match &literal {
        Lit::Float(float) => float.base10_parse().ok(),
        Lit::Int(int) => int.base10_parse().ok(),
        _ => None,
    };
    match number.filter(|number| *number <= most) {
        Some(number) => Ok(quote!(#number)),
        None => Err(Error::new(literal.span(), wanted)),
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

/// `= |result| result.is_some()`, `= is_worth_it`
fn rule(input: ParseStream<'_>, name: &Ident) -> Result<Expr> {
    let example = match name.to_string().as_str() {
        "cache_if" => "cache_if = |result| result.is_some()",
        _ => "ttl_fn = |value| value.max_age",
    };
    let wanted =
        format!("`{name}` is a closure, or the path of a function, of a reference: `{example}`");
    if is_bare(input) {
        return Err(Error::new(name.span(), wanted));
    }
    match value(input, name)? {
        rule @ (Expr::Closure(_) | Expr::Path(_)) => Ok(rule),
        other => Err(Error::new_spanned(other, wanted)),
    }
}

/// `= key`, `= off`
fn parse_single_flight(input: ParseStream<'_>, name: &Ident) -> Result<Option<Ident>> {
    let wanted = "`single_flight` is `key` or `off`";
    if input.parse::<Token![=]>().is_err() {
        return Err(Error::new(name.span(), wanted));
    }
    let kind: Ident = (input.parse()).map_err(|error| Error::new(error.span(), wanted))?;
    match kind.to_string().as_str() {
        "key" => Ok(None),
        "off" => Ok(Some(name.clone())),
        _ => Err(Error::new(kind.span(), wanted)),
    }
}

/// `= "users"`
fn text(input: ParseStream<'_>, name: &Ident) -> Result<LitStr> {
    if input.parse::<Token![=]>().is_err() || !input.peek(LitStr) {
        let message = format!("`{name}` is a text: `{name} = \"users\"`");
        return Err(Error::new(name.span(), message));
    }
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

/// `= static`, `= thread`, `= field(self.cache)`, `= cx(request)`
fn parse_scope(input: ParseStream<'_>, name: &Ident) -> Result<Scope> {
    let wanted = "`scope` is `static`, `thread`, `field(self.cache)` or `cx(request)`";
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
        which @ ("field" | "cx") if input.peek(syn::token::Paren) => {
            let inside;
            parenthesized!(inside in input);
            let place = Box::new(inside.parse()?);
            Ok(match which {
                "field" => Scope::Field(place),
                _ => Scope::Request(place),
            })
        }
        _ => Err(Error::new(kind.span(), wanted)),
    }
}
