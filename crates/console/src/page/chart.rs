//! A chart of bars, drawn here: what it shows stands in a table below it, so that nobody needs to see it.

use std::fmt::Write;

use askama::filters::HtmlSafe;

/// How wide and high a chart is, in its own units.
const WIDTH: u32 = 720;
const HEIGHT: u32 = 120;
/// Bars of one chart at the most: what is older is left out, and stands in the table.
pub(crate) const BARS_MAX: usize = 400;

/// Bars of two parts, one upon the other.
pub(crate) struct Chart {
    /// What it shows, in words.
    pub(crate) title: String,
    /// What the lower part of a bar counts, and the upper.
    pub(crate) legend: (String, String),
    /// Which place each bar has of how many, and its two parts.
    pub(crate) bars: Vec<(u32, i64, i64)>,
    /// How many places there are.
    pub(crate) places: u32,
}

impl Chart {
    /// The highest bar.
    pub(crate) fn most(&self) -> i64 {
        self.bars.iter().map(|(_, low, high)| low.saturating_add(*high)).max().unwrap_or(0)
    }

    /// A part of the height; nothing of it is nothing, and anything can be seen.
    fn height(value: i64, most: i64) -> u32 {
        let scaled = value.max(0).saturating_mul(i64::from(HEIGHT)) / most.max(1);
        let scaled = u32::try_from(scaled).unwrap_or(HEIGHT);
        if value > 0 { scaled.max(2) } else { 0 }
    }

    /// As SVG.
    pub(crate) fn drawn(&self) -> Drawn {
        let most = self.most();
        let places = self.places.max(1);
        let step = (WIDTH / places).max(1);
        let wide = (step * 4 / 5).max(1);
        let mut svg = format!(r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">"#);
        let mut bar = |class: &str, (x, y, high): (u32, u32, u32)| {
            if high > 0 {
                // Writing into a String cannot fail.
                let _written = write!(
                    svg,
                    r#"<rect class="{class}" x="{x}" y="{y}" width="{wide}" height="{high}" rx="1"/>"#
                );
            }
        };
        for (place, low, high) in self.bars.iter().rev().take(BARS_MAX) {
            let x = place.saturating_mul(WIDTH) / places;
            let (low, high) = (Self::height(*low, most), Self::height(*high, most));
            let low = low.min(HEIGHT.saturating_sub(high));
            bar("low", (x, HEIGHT - low, low));
            bar("high", (x, HEIGHT - low - high, high));
        }
        svg.push_str("</svg>");
        Drawn(svg)
    }
}

/// A chart as SVG: made of numbers alone.
pub(crate) struct Drawn(String);

impl std::fmt::Display for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(bars: Vec<(u32, i64, i64)>) -> Chart {
        Chart { title: String::new(), legend: (String::new(), String::new()), bars, places: 24 }
    }

    #[test]
    fn bars_stay_within_the_picture() {
        let drawn = chart(vec![(0, 10, 0), (5, 100, 900), (23, 0, 1)]).drawn().to_string();
        assert_eq!(drawn.matches("<rect").count(), 4);
        assert!(drawn.contains(r#"class="high" x="150" y="0" width="24" height="108""#), "{drawn}");
        assert!(drawn.contains(r#"class="high" x="690" y="118" width="24" height="2""#), "{drawn}");
        for bars in [Vec::new(), vec![(0, 0, 0)], vec![(3, i64::MAX, i64::MAX), (4, -1, 1)]] {
            let drawn = chart(bars).drawn().to_string();
            assert!(drawn.starts_with("<svg") && drawn.ends_with("</svg>"), "{drawn}");
        }
    }
}
