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

use syn::visit::{self, Visit};
use syn::{Arm, BinOp, Expr, ExprBinary, Fields, ImplItemFn, ItemFn, Stmt, TraitItemFn};

use crate::edit::Edits;
use crate::mutant::Mutant;
use crate::orders;
use crate::scope::{self, Depth};
use crate::syntax::{binds, changes, decides, has_let, range, takes_all, type_name};

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

/// What walks through a file.
pub struct Finder<'a> {
    /// The file, below `src/`.
    pub file: &'a str,
    /// Its module.
    pub module: &'static str,
    /// How much is done to it.
    pub depth: Depth,
    /// The number of its first mutant.
    pub first: usize,
    /// The type and the function that are being visited.
    pub path: Vec<String>,
    /// What is written into it.
    pub edits: Edits,
    /// What was found so far.
    pub mutants: Vec<Mutant>,
    /// How often each name was given.
    pub counts: HashMap<String, usize>,
    /// Expressions that something around them makes true and false already.
    pub whole: Vec<Range<usize>>,
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
