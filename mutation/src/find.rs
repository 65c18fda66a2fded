//! Finds what can be done wrong in a file, and writes all of it into that file, each behind a switch of its own.
//!
//! So one build has all mutants, and the environment says which one a process is.
//!
//! | operator | what is done |
//! |---|---|
//! | `acquire-to-relaxed` and the like | an ordering is one step weaker |
//! | `no-NAME` | a call of NAME is left out, where its result is not used: fences, wakes, stores, checks with `?` |
//! | `no-assign` | an assignment is left out |
//! | `true`, `false` | a condition, a guard, a function or an operand of `&&` and `\|\|` is so always |
//! | `boundary` | `<` is `<=`, and so on |
//! | `opposite` | `==` is `!=`, and the other way round |
//! | `no-let` | the pattern of an `if let` never fits |
//! | `no-arm` | an arm of a `match` that has a last resort never fits |
//! | `one-more`, `one-less` | a bound of a check of a foreign word is off by one |

use std::collections::HashMap;
use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Block, Expr, ExprBinary, Fields, ImplItemFn, ItemFn, Pat, ReturnType, Signature, Stmt, TraitItemFn,
};

use crate::edit::Edits;
use crate::mutant::Mutant;
use crate::orders;
use crate::scope::{self, Depth};

/// What is called to fence or to wake, in whatever file.
const WAKES: &[&str] = &[
    "answer",
    "call",
    "declare_corrupt",
    "declare_dead",
    "drain",
    "fence",
    "heavy_fence",
    "hint",
    "light_fence",
    "nudge",
    "notify_all",
    "notify_one",
    "poke",
    "ring",
    "rouse",
    "settle",
    "shutdown",
    "unpark",
    "wake",
    "wake_all",
    "wake_one",
    "write",
];

/// Says nothing wrong if it is left out.
const HARMLESS: &[&str] = &[
    "prefetch",
    "prefetch_alike",
    "prefetch_read",
    "prefetch_write",
    "overflow",
    "outside",
    "pause",
    "spin_loop",
    "panic",
    "reserve",
];

/// The mutants of one file, and the file with all of them.
#[derive(Debug)]
pub struct Found {
    /// Their numbers are their places, counted on from those of the files before.
    pub mutants: Vec<Mutant>,
    /// The source with their switches.
    pub text: String,
}

/// Finds the mutants of `file` (below `src/`), the first of which has number `first`.
///
/// # Errors
///
/// If the file is not Rust.
pub fn find(file: &str, source: &str, first: usize) -> syn::Result<Found> {
    let Some((module, depth)) = scope::of(file) else {
        return Ok(Found { mutants: Vec::new(), text: source.to_owned() });
    };
    let mut finder = Finder {
        file,
        module: module.name,
        depth,
        first,
        path: Vec::new(),
        edits: Edits::default(),
        mutants: Vec::new(),
        counts: HashMap::new(),
        whole: Vec::new(),
    };
    finder.visit_file(&syn::parse_file(source)?);
    Ok(Found { mutants: finder.mutants, text: finder.edits.apply(source) })
}

struct Finder<'a> {
    file: &'a str,
    module: &'static str,
    depth: Depth,
    first: usize,
    /// The type and the function that are being visited.
    path: Vec<String>,
    edits: Edits,
    mutants: Vec<Mutant>,
    /// How often each name was given.
    counts: HashMap<String, usize>,
    /// Expressions that something around them makes true and false already.
    whole: Vec<Range<usize>>,
}

fn range(of: &impl Spanned) -> Range<usize> {
    of.span().byte_range()
}

impl Finder<'_> {
    /// A mutant at `place`: its number.
    fn add(&mut self, operator: &str, place: &impl Spanned) -> usize {
        let stem = format!("{}:{}:{operator}", self.file, self.path.join("::"));
        let count = self.counts.entry(stem.clone()).or_default();
        *count += 1;
        let (name, line) = (format!("{stem}:{count}"), place.span().start().line);
        self.mutants.push(Mutant { name, line, module: self.module });
        self.first + self.mutants.len() - 1
    }

    fn deep(&self) -> bool {
        self.depth == Depth::All
    }

    /// A condition that is also always true, if that is to be tried, and always false.
    fn decide(&mut self, condition: &Expr, to_true: bool, to_false: bool) {
        let (mut before, mut after) = ("(".to_owned(), ")".to_owned());
        if to_true {
            let number = self.add("true", condition);
            before += &format!("crate::switch::on({number}) || (");
            after += ")";
        }
        if to_false {
            let number = self.add("false", condition);
            before += &format!("!crate::switch::on({number}) && (");
            after += ")";
        }
        self.edits.wrap(range(condition), before, after);
    }

    /// A condition of an `if` or of a guard.
    fn condition(&mut self, condition: &Expr, to_true: bool) {
        match condition {
            Expr::Let(pattern) => {
                let number = self.add("no-let", pattern);
                self.edits.wrap(range(pattern), format!("!crate::switch::on({number}) && "), String::new());
            }
            // A chain with patterns cannot be wrapped as a whole; its parts can.
            Expr::Binary(chain) if matches!(chain.op, BinOp::And(_)) && has_let(condition) => {
                self.condition(&chain.left, true);
                self.condition(&chain.right, true);
            }
            plain => {
                self.whole.push(range(plain));
                self.decide(plain, to_true, true);
            }
        }
    }

    /// An operand of `&&` or `||`, as if it were not there.
    fn operand(&mut self, operand: &Expr, and: bool) {
        let chained = matches!(operand, Expr::Binary(inner) if matches!((&inner.op, and), (BinOp::And(_), true) | (BinOp::Or(_), false)));
        if !chained {
            self.whole.push(range(operand));
            self.decide(operand, and, !and);
        }
    }

    fn comparison(&mut self, binary: &ExprBinary) {
        let function = match binary.op {
            BinOp::Lt(_) => "lt",
            BinOp::Le(_) => "le",
            BinOp::Gt(_) => "gt",
            BinOp::Ge(_) => "ge",
            BinOp::Eq(_) | BinOp::Ne(_) => return self.equality(binary),
            _ => return,
        };
        let number = self.add("boundary", binary);
        self.edits.wrap(range(binary), format!("crate::switch::{function}({number}, &("), "))".to_owned());
        self.edits.replace(range(&binary.op), "), &(".to_owned());
    }

    fn equality(&mut self, binary: &ExprBinary) {
        if !self.whole.contains(&range(binary)) {
            let number = self.add("opposite", binary);
            self.edits.wrap(range(binary), "((".to_owned(), format!(") != crate::switch::on({number}))"));
        }
    }

    /// Leaves out a statement that calls `name`.
    fn leave_out(&mut self, statement: &impl Spanned, name: &str) {
        let number = self.add(&format!("no-{name}"), statement);
        self.edits.wrap(range(statement), format!("if !crate::switch::on({number}) {{ "), " }".to_owned());
    }

    fn call(&mut self, statement: &impl Spanned, expression: &Expr) {
        let Some(name) = called(expression) else { return };
        let wanted = if self.deep() { !HARMLESS.contains(&name.as_str()) } else { WAKES.contains(&name.as_str()) };
        if wanted {
            self.leave_out(statement, &name);
        }
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        if signature.constness.is_some() || signature.ident == "fmt" {
            return;
        }
        self.path.push(signature.ident.to_string());
        match &signature.output {
            ReturnType::Type(_, kind) if self.deep() && is_bool(kind) => self.answers(block),
            ReturnType::Default => {
                if let Some(Stmt::Expr(last, None)) = block.stmts.last() {
                    self.call(last, last);
                }
            }
            ReturnType::Type(..) => {}
        }
        visit::visit_block(self, block);
        self.path.pop();
    }

    /// A function that says yes or no.
    fn answers(&mut self, block: &Block) {
        if let [Stmt::Expr(only, None)] = &block.stmts[..] {
            self.whole.push(range(only));
        }
        let (yes, no) = (self.add("true", block), self.add("false", block));
        let start = block.brace_token.span.open().byte_range().end;
        let text =
            format!(" if crate::switch::on({yes}) {{ return true; }} if crate::switch::on({no}) {{ return false; }}");
        self.edits.wrap(start..start, text, String::new());
    }

    /// The bounds of a check.
    fn bounds(&mut self, call: &syn::ExprCall) {
        let [_, _, least, most] = &call.args.iter().collect::<Vec<_>>()[..] else { return };
        for bound in [least, most] {
            let (more, less) = (self.add("one-more", *bound), self.add("one-less", *bound));
            self.edits.wrap(range(*bound), format!("crate::switch::near({more}, {less}, "), ")".to_owned());
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !module.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        self.path.push(type_name(&block.self_ty));
        visit::visit_item_impl(self, block);
        self.path.pop();
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.path.push(item.ident.to_string());
        visit::visit_item_trait(self, item);
        self.path.pop();
    }

    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}

    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}

    fn visit_fields(&mut self, _: &'ast Fields) {}

    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.function(&item.sig, &item.block);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        match statement {
            Stmt::Expr(Expr::Assign(_), Some(_)) if self.deep() => self.leave_out(statement, "assign"),
            Stmt::Expr(Expr::Binary(binary), Some(_)) if self.deep() && changes(&binary.op) => {
                self.leave_out(statement, "assign");
            }
            Stmt::Expr(expression, Some(_)) => self.call(statement, expression),
            Stmt::Local(local) if !binds(&local.pat) => {
                if let Some(init) = &local.init {
                    self.call(statement, &init.expr);
                }
            }
            _ => {}
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_expr_if(&mut self, expression: &'ast syn::ExprIf) {
        if self.deep() {
            self.condition(&expression.cond, true);
        }
        visit::visit_expr_if(self, expression);
    }

    fn visit_expr_while(&mut self, expression: &'ast syn::ExprWhile) {
        // One that is always true is an endless loop, which shows nothing.
        if self.deep() {
            self.condition(&expression.cond, false);
        }
        visit::visit_expr_while(self, expression);
    }

    fn visit_expr_match(&mut self, expression: &'ast syn::ExprMatch) {
        let last_resort = expression.arms.last().is_some_and(|arm| arm.guard.is_none() && takes_all(&arm.pat));
        if self.deep() && last_resort {
            for arm in expression.arms.iter().filter(|arm| arm.guard.is_none() && !takes_all(&arm.pat)) {
                let number = self.add("no-arm", &arm.pat);
                self.edits.wrap(range(&arm.pat), String::new(), format!(" if !crate::switch::on({number})"));
            }
        }
        visit::visit_expr_match(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        if let Some((_, guard)) = &arm.guard
            && self.deep()
        {
            self.condition(guard, true);
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_binary(&mut self, binary: &'ast ExprBinary) {
        let logical = matches!(binary.op, BinOp::And(_) | BinOp::Or(_));
        if self.deep() && !(logical && has_let(&Expr::Binary(binary.clone()))) {
            if decides(&binary.op)
                && !self.whole.contains(&range(binary))
                && !matches!(binary.op, BinOp::Eq(_) | BinOp::Ne(_))
            {
                self.whole.push(range(binary));
                self.decide(&Expr::Binary(binary.clone()), true, true);
            }
            if logical {
                let and = matches!(binary.op, BinOp::And(_));
                self.operand(&binary.left, and);
                self.operand(&binary.right, and);
                // What is chained by the same operator is one list of operands.
                self.whole.extend([range(&*binary.left), range(&*binary.right)]);
            }
            self.comparison(binary);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(path) = &*call.func
            && self.deep()
            && path.path.segments.len() == 2
            && path.path.segments[0].ident == "Corrupt"
            && path.path.segments[1].ident == "check"
        {
            self.bounds(call);
        }
        for (order, weaker) in orders::of_call(call) {
            self.weaken(order, weaker);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        for (order, weaker) in orders::of_method(call) {
            self.weaken(order, weaker);
        }
        visit::visit_expr_method_call(self, call);
    }
}

impl Finder<'_> {
    fn weaken(&mut self, order: &syn::ExprPath, weaker: &[&str]) {
        let strong = order.path.segments.last().expect("a path has segments").ident.to_string().to_lowercase();
        for weak in weaker {
            let number = self.add(&format!("{strong}-to-{}", weak.to_lowercase()), order);
            self.edits.wrap(range(order), format!("crate::switch::pick({number}, "), format!(", Ordering::{weak})"));
        }
    }
}

fn has_let(expression: &Expr) -> bool {
    match expression {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn decides(operator: &BinOp) -> bool {
    matches!(operator, BinOp::And(_) | BinOp::Or(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_))
}

fn changes(operator: &BinOp) -> bool {
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
fn called(expression: &Expr) -> Option<String> {
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

fn is_bool(kind: &syn::Type) -> bool {
    matches!(kind, syn::Type::Path(path) if path.path.is_ident("bool"))
}

fn type_name(kind: &syn::Type) -> String {
    match kind {
        syn::Type::Path(path) => {
            path.path.segments.last().map_or_else(String::new, |segment| segment.ident.to_string())
        }
        syn::Type::Reference(reference) => type_name(&reference.elem),
        _ => String::new(),
    }
}

/// Whether a pattern takes whatever is left: `_`, or a name.
fn takes_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(name) => name.subpat.is_none() && name.ident.to_string().starts_with(char::is_lowercase),
        _ => false,
    }
}

/// Whether a pattern gives something a name.
fn binds(pattern: &Pat) -> bool {
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
