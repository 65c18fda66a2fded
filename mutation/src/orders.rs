//! Orderings, and what is one step weaker where they stand.

use syn::{Expr, ExprCall, ExprMethodCall, ExprPath};

type Weaker = &'static [&'static str];

/// Those among the arguments of a function: of a fence, or of something that passes them on.
pub fn of_call(call: &ExprCall) -> Vec<(&ExprPath, Weaker)> {
    orders(call.args.iter(), |name| match name {
        "SeqCst" => &["AcqRel"],
        "AcqRel" => &["Acquire", "Release"],
        _ => &[],
    })
}

/// Those among the arguments of a method, by what the method does.
pub fn of_method(call: &ExprMethodCall) -> Vec<(&ExprPath, Weaker)> {
    let method = call.method.to_string();
    orders(call.args.iter(), move |name| match (name, method.as_str()) {
        ("SeqCst", "load") => &["Acquire"],
        ("SeqCst", "store") => &["Release"],
        ("SeqCst", _) => &["AcqRel"],
        ("AcqRel", _) => &["Acquire", "Release"],
        ("Acquire" | "Release", _) => &["Relaxed"],
        _ => &[],
    })
}

fn orders<'a>(
    arguments: impl Iterator<Item = &'a Expr>,
    weaker: impl Fn(&str) -> Weaker,
) -> Vec<(&'a ExprPath, Weaker)> {
    let paths = arguments.filter_map(|argument| match argument {
        Expr::Path(path) if path.path.segments.len() == 2 && path.path.segments[0].ident == "Ordering" => Some(path),
        _ => None,
    });
    paths
        .map(|path| (path, weaker(&path.path.segments[1].ident.to_string())))
        .filter(|(_, weaker)| !weaker.is_empty())
        .collect()
}
