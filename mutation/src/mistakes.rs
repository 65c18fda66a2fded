//! Each kind of mistake: what it is called, and what is written for it.

use syn::spanned::Spanned;
use syn::visit;
use syn::{BinOp, Block, Expr, ExprBinary, ReturnType, Signature, Stmt};

use crate::find::Finder;
use crate::mutant::Mutant;
use crate::scope::Depth;
use crate::syntax::{called, has_let, is_bool, is_zero, range};

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
impl Finder<'_> {
    /// A mutant at `place`: its number.
    pub fn add(&mut self, operator: &str, place: &impl Spanned) -> usize {
        let stem = format!("{}:{}:{operator}", self.file, self.path.join("::"));
        let count = self.counts.entry(stem.clone()).or_default();
        *count += 1;
        let (name, line) = (format!("{stem}:{count}"), place.span().start().line);
        self.mutants.push(Mutant { name, line, module: self.module });
        self.first + self.mutants.len() - 1
    }

    /// Whether more than orderings, fences and wakes is mutated here.
    pub fn deep(&self) -> bool {
        self.depth == Depth::All
    }

    /// A condition that is also always true, if that is to be tried, and always false.
    pub fn decide(&mut self, condition: &Expr, to_true: bool, to_false: bool) {
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
    pub fn condition(&mut self, condition: &Expr, to_true: bool) {
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
    pub fn operand(&mut self, operand: &Expr, and: bool) {
        let chained = matches!(operand, Expr::Binary(inner) if matches!((&inner.op, and), (BinOp::And(_), true) | (BinOp::Or(_), false)));
        if !chained {
            self.whole.push(range(operand));
            self.decide(operand, and, !and);
        }
    }

    /// A comparison that is off by one, or the opposite.
    pub fn comparison(&mut self, binary: &ExprBinary) {
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

    /// `==` for `!=`, unless something around it is always true and false already.
    pub fn equality(&mut self, binary: &ExprBinary) {
        if !self.whole.contains(&range(binary)) {
            let number = self.add("opposite", binary);
            self.edits.wrap(range(binary), "((".to_owned(), format!(") != crate::switch::on({number}))"));
        }
    }

    /// Leaves out a statement that calls `name`.
    pub fn leave_out(&mut self, statement: &impl Spanned, name: &str) {
        let number = self.add(&format!("no-{name}"), statement);
        self.edits.wrap(range(statement), format!("if !crate::switch::on({number}) {{ "), " }".to_owned());
    }

    /// Leaves out a statement that is a call, if it is one that matters.
    pub fn call(&mut self, statement: &impl Spanned, expression: &Expr) {
        let Some(name) = called(expression) else { return };
        let wanted = if self.deep() { !HARMLESS.contains(&name.as_str()) } else { WAKES.contains(&name.as_str()) };
        if wanted {
            self.leave_out(statement, &name);
        }
    }

    /// What is wrong with a function as a whole, and with each part of it.
    pub fn function(&mut self, signature: &Signature, block: &Block) {
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
    pub fn answers(&mut self, block: &Block) {
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
    pub fn bounds(&mut self, call: &syn::ExprCall) {
        let [_, _, least, most] = &call.args.iter().collect::<Vec<_>>()[..] else { return };
        for bound in [least, most] {
            let more = self.add("one-more", *bound);
            // Nothing is less than 0.
            let before = if is_zero(bound) {
                format!("crate::switch::more({more}, ")
            } else {
                format!("crate::switch::near({more}, {}, ", self.add("one-less", *bound))
            };
            self.edits.wrap(range(*bound), before, ")".to_owned());
        }
    }

    /// An ordering that is one of these instead.
    pub fn weaken(&mut self, order: &syn::ExprPath, weaker: &[&str]) {
        let strong = order.path.segments.last().expect("a path has segments").ident.to_string().to_lowercase();
        for weak in weaker {
            let number = self.add(&format!("{strong}-to-{}", weak.to_lowercase()), order);
            self.edits.wrap(range(order), format!("crate::switch::pick({number}, "), format!(", Ordering::{weak})"));
        }
    }
}
