//! What is asked about a piece of source.

use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{BinOp, Expr, Pat};

/// Where this stands.
pub fn range(of: &impl Spanned) -> Range<usize> {
    of.span().byte_range()
}
/// Whether a condition has a pattern in it, as in `if let`.
pub fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

/// Whether an operator makes a decision of its operands.
pub fn decides(operator: &BinOp) -> bool {
    matches!(operator, BinOp::And(_) | BinOp::Or(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_))
}

/// Whether an operator changes what stands left of it.
pub fn changes(operator: &BinOp) -> bool {
    matches!(
        operator,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::BitAndAssign(_)
    )
}

/// The function that a statement calls for what it does.
pub fn called(expression: &Expr) -> Option<String> {
    match expression {
        Expr::MethodCall(call) => Some(call.method.to_string()),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        },
        Expr::Try(tried) => called(&tried.expr),
        _ => None,
    }
}

/// Whether this is `0`.
pub fn is_zero(expression: &Expr) -> bool {
    match expression {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. }) => number.base10_digits() == "0",
        _ => false,
    }
}

/// Whether this type is `bool`.
pub fn is_bool(kind: &syn::Type) -> bool {
    matches!(kind, syn::Type::Path(path) if path.path.is_ident("bool"))
}

/// The last word of the name of a type.
pub fn type_name(kind: &syn::Type) -> String {
    match kind {
        syn::Type::Path(path) => {
            path.path.segments.last().map_or_else(String::new, |segment| segment.ident.to_string())
        }
        syn::Type::Reference(reference) => type_name(&reference.elem),
        _ => String::new(),
    }
}

/// Whether a pattern takes whatever is left: `_`, or a name.
pub fn takes_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(name) => name.subpat.is_none() && name.ident.to_string().starts_with(char::is_lowercase),
        _ => false,
    }
}

/// Whether a pattern gives something a name.
pub fn binds(pattern: &Pat) -> bool {
    struct Names(bool);
    impl Visit<'_> for Names {
        fn visit_pat_ident(&mut self, _: &syn::PatIdent) {
            self.0 = true;
        }
    }
    let mut names = Names(false);
    names.visit_pat(pattern);
    names.0
}
