//! Tables on the terminal, with goals next to results.

/// The most that a result may be, or the least.
#[derive(Clone, Copy)]
pub enum Goal {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

impl Goal {
    /// The goal, and whether the value meets it.
    pub fn verdict(self, value: f64) -> String {
        let (sign, goal, met) = match self {
            Self::AtMost(goal) => ("<=", goal, value <= goal),
            Self::AtLeast(goal) => (">=", goal, value >= goal),
        };
        format!("{sign} {goal} {}", if met { "met" } else { "missed" })
    }
}

/// Prints a heading and what to know about the numbers below it.
pub fn heading(title: &str, note: &str) {
    println!("\n{title}\n  {note}");
}

/// Prints rows in columns as wide as they need: the first to the left, the others to the right.
pub fn print(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if column == 0 {
                line += &format!("  {cell:<width$}");
            } else {
                line += &format!("  {cell:>width$}");
            }
        }
        println!("{}", line.trim_end());
    }
}

/// A row of a table.
#[macro_export]
macro_rules! row {
    ($($cell:expr),+ $(,)?) => { vec![$($cell.to_string()),+] };
}
