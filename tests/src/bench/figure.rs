//! One measured number and what it should reach.

use serde_json::json;

pub struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub reach: Reach,
}

#[derive(Clone, Copy)]
pub enum Reach {
    AtMost(f64),
}

impl Figure {
    pub fn at_most(name: &'static str, value: f64, unit: &'static str, most: f64) -> Self {
        Self { name, value, unit, reach: Reach::AtMost(most) }
    }

    pub fn is_reached(&self) -> bool {
        let Reach::AtMost(most) = self.reach;
        self.value <= most
    }

    pub fn line(&self) -> String {
        let Reach::AtMost(most) = self.reach;
        let verdict = if self.is_reached() { "reached" } else { "MISSED" };
        format!(
            "{:<44} {:>10.2} {:<4} (at most {most} {})  {verdict}",
            self.name, self.value, self.unit, self.unit
        )
    }

    pub fn json(&self) -> String {
        let Reach::AtMost(most) = self.reach;
        let reach = format!("<= {most}");
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "reach": reach, "ok": self.is_reached() })
            .to_string()
    }
}

/// The middle value.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value that 99 of 100 do not exceed.
pub fn p99(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * 99).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_sorted_values() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(p99(values.clone()), 198.0);
        assert_eq!(median(values), 101.0);
        assert!(
            !Figure::at_most("x", f64::NAN, "s", 1.0).is_reached(),
            "nothing measured is nothing reached"
        );
    }
}
