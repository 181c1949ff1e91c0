//! `Template`: a tag with places for arguments and the result, `"org:{result.org}"`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, LitStr, Result, Token, bracketed};

const WANTED: &str =
    "tags are texts with places in braces: `tags = [\"user:{id}\", \"org:{result.org}\"]`";

/// See the module's text.
pub(crate) struct Template {
    /// For `format!`: the places are empty.
    text: LitStr,
    places: Vec<Expr>,
    /// What each place begins with.
    bases: Vec<Ident>,
}

/// `= ["user:{id}", …]`
pub(crate) fn parse(input: ParseStream<'_>, name: &Ident) -> Result<Vec<Template>> {
    let is_begun = input.parse::<Token![=]>().is_ok();
    if !is_begun || !input.peek(syn::token::Bracket) {
        return Err(Error::new(name.span(), WANTED));
    }
    let inside;
    bracketed!(inside in input);
    let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(&inside)
        .map_err(|error| Error::new(error.span(), WANTED))?;
    texts.iter().map(Template::of).collect()
}

impl Template {
    fn of(literal: &LitStr) -> Result<Self> {
        let wanted = || Error::new(literal.span(), WANTED);
        let (whole, mut text) = (literal.value(), String::new());
        let (mut places, mut bases) = (Vec::new(), Vec::new());
        let mut rest = whole.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..];
            if brace.starts_with("{{") || brace.starts_with("}}") {
                text.push_str(&brace[..2]);
                rest = &brace[2..];
                continue;
            }
            let end = brace.find('}').filter(|end| *end > 0).ok_or_else(wanted)?;
            let place: Expr = LitStr::new(&brace[1..end], literal.span())
                .parse()
                .map_err(|_| wanted())?;
            bases.push(base(&place).ok_or_else(wanted)?);
            places.push(place);
            text.push_str("{}");
            rest = &brace[end + 1..];
        }
        text.push_str(rest);
        Ok(Template {
            text: LitStr::new(&text, literal.span()),
            places,
            bases,
        })
    }

    pub(crate) fn names_result(&self) -> bool {
        self.result().is_some()
    }

    /// Where it names the result.
    pub(crate) fn result(&self) -> Option<&Ident> {
        self.bases.iter().find(|base| *base == "result")
    }

    /// Refuses a place that is none of these, nor `result`.
    pub(crate) fn check(&self, known: &[Ident]) -> Result<()> {
        let is_known = |base: &&Ident| *base == "result" || known.contains(base);
        match self.bases.iter().find(|base| !is_known(base)) {
            Some(base) => {
                let mut names: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
                names.push("`result`".to_owned());
                let names = names.join(", ");
                let message = format!("`{base}` is no part of the key; a tag may name {names}");
                Err(Error::new(base.span(), message))
            }
            None => Ok(()),
        }
    }

    /// The tag, where the names mean something.
    pub(crate) fn tag(&self) -> TokenStream {
        let Template { text, places, .. } = self;
        quote!(::larder::Tag::new(::std::format!(#text, #(#places),*)))
    }
}

/// `result` of `result.org.id()`
pub(crate) fn base(place: &Expr) -> Option<Ident> {
    match place {
        Expr::Reference(reference) => base(&reference.expr),
        Expr::Path(path) => path.path.get_ident().cloned(),
        Expr::Field(field) => base(&field.base),
        Expr::MethodCall(call) => base(&call.receiver),
        _ => None,
    }
}
