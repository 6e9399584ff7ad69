//! Columns as SVG: whole numbers, so that the same counts are always the same picture.

use serde::Serialize;

const LEFT: i64 = 34;
const WIDTH: i64 = 482;
const BASE: i64 = 118;
const HEIGHT: i64 = 100;
const LABELS: usize = 4;
/// Classes of the style sheet: succeeded, failed, otherwise.
const CLASSES: [&str; 3] = ["a", "b2", "c2"];

/// One column, from its foot up.
#[derive(Debug, Clone)]
pub struct Column {
    pub label: String,
    pub parts: [i64; 3],
}

/// A drawing of 520 by 140.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    id: &'static str,
    /// A sentence that says the same.
    title: String,
    lines: Vec<Line>,
    bars: Vec<Bar>,
    labels: Vec<Label>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    y: i64,
    text_y: i64,
    text: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Bar {
    class: &'static str,
    x: i64,
    y: i64,
    width: i64,
    height: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Label {
    x: i64,
    text: String,
}

impl Chart {
    pub fn new(id: &'static str, title: String, columns: &[Column]) -> Self {
        let most = columns.iter().map(|column| column.parts.iter().sum()).max().unwrap_or(0);
        let top = round_up(most);
        let step = (WIDTH / i64::try_from(columns.len().max(1)).unwrap_or(1)).max(1);
        let x = |n: usize| LEFT + step * i64::try_from(n).unwrap_or(0);
        let bars = columns.iter().enumerate().flat_map(|(n, column)| bars(column, (x(n), step), top));
        let every = columns.len().div_ceil(LABELS).max(1);
        let labels = columns.iter().enumerate().step_by(every);
        let heights = if top % 2 == 0 { vec![0, top / 2, top] } else { vec![0, top] };
        let line = |text: i64| {
            let y = BASE - text * HEIGHT / top;
            Line { y, text_y: y + 4, text }
        };
        Self {
            id,
            title,
            lines: heights.into_iter().map(line).collect(),
            bars: bars.collect(),
            labels: labels.map(|(n, column)| Label { x: x(n), text: column.label.clone() }).collect(),
        }
    }
}

/// What is there at all is seen.
fn bars(column: &Column, (x, step): (i64, i64), top: i64) -> Vec<Bar> {
    let mut foot = BASE;
    let mut bars = Vec::new();
    for (class, number) in CLASSES.iter().zip(column.parts).filter(|(_, number)| *number > 0) {
        let height = (number * HEIGHT / top).max(1);
        foot -= height;
        bars.push(Bar { class, x, y: foot, width: (step * 7 / 10).max(1), height });
    }
    bars
}

/// The next of 1, 2, 5, 10, 20, 50 and so on.
fn round_up(most: i64) -> i64 {
    let mut ten: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let top = ten.saturating_mul(factor);
            if top >= most || top == i64::MAX {
                return top;
            }
        }
        ten = ten.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(parts: [i64; 3]) -> Column {
        Column { label: "x".into(), parts }
    }

    #[test]
    fn tops_are_round_numbers() {
        for (most, top) in [(0, 1), (1, 1), (3, 5), (10, 10), (11, 20), (201, 500), (i64::MAX, i64::MAX)] {
            assert_eq!(round_up(most), top);
        }
    }

    #[test]
    fn parts_stand_upon_each_other_and_none_is_lost() {
        let chart = Chart::new("c", "t".into(), &[column([50, 25, 0]), column([0, 0, 0]), column([0, 0, 1])]);
        let drawn: Vec<_> = chart.bars.iter().map(|bar| (bar.class, bar.x, bar.y, bar.height)).collect();
        assert_eq!(drawn, [("a", 34, 68, 50), ("b2", 34, 43, 25), ("c2", 354, 117, 1)]);
        assert_eq!(chart.lines.iter().map(|line| line.text).collect::<Vec<_>>(), [0, 50, 100]);
        let thin = Chart::new("c", String::new(), &vec![column([1000, 1, 0]); 90]);
        assert!(
            thin.bars
                .iter()
                .all(|bar| bar.height >= 1 && bar.width >= 1 && bar.x + bar.width <= 516 && bar.y >= 8)
        );
    }

    #[test]
    fn nothing_is_an_empty_drawing() {
        let chart = Chart::new("c", String::new(), &[]);
        assert_eq!((chart.bars.len(), chart.labels.len(), chart.lines.len()), (0, 0, 2));
    }
}
