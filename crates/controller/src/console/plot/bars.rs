//! Bars over time, of lengths of time: as many as can be told apart, with a cross where one of them went wrong.

use jiff::Timestamp;

use super::{BOTTOM, Caption, LEFT, Plot, RIGHT, Scale, tenth};

/// One thing that took a while.
pub(in super::super) struct Bar {
    pub(in super::super) at: Timestamp,
    pub(in super::super) seconds: f64,
    pub(in super::super) is_wrong: bool,
}

/// What is plotted.
pub(in super::super) struct Bars<'a> {
    /// In the order of their times.
    pub(in super::super) bars: &'a [Bar],
    pub(in super::super) from: Timestamp,
    pub(in super::super) until: Timestamp,
}

impl Plot {
    pub(in super::super) fn of_bars(caption: Caption, Bars { bars, from, until }: &Bars<'_>) -> Self {
        let highest = bars.iter().map(|bar| bar.seconds).fold(0.0, f64::max);
        let (factor, unit) = unit(highest);
        let scale = Scale::new(*from, *until, (highest * factor).max(1.0));
        let place = |bar: &Bar| ((scale.x(bar.at.as_second()) - LEFT) / WIDTH).floor().min(PLACES - 1.0);
        let (mut drawn, mut marks) = (String::new(), String::new());
        for bars in bars.chunk_by(|a, b| place(a) == place(b)) {
            let x = tenth(bars.first().map_or(0.0, place).mul_add(WIDTH, LEFT + WIDTH / 2.0));
            // The longest: a long one between many short ones is what somebody looks for.
            let y = scale.y(bars.iter().map(|bar| bar.seconds * factor).fold(0.0, f64::max));
            drawn.push_str(&format!("M{x} {BOTTOM}V{}", y.min(BOTTOM - 1.0)));
            if bars.iter().any(|bar| bar.is_wrong) {
                marks.push_str(&format!("M{} {}l6 6m0-6l-6 6", tenth(x - 3.0), BOTTOM - 9.0));
            }
        }
        Self { bars: drawn, marks, ..Self::empty(caption, &scale, unit) }
    }
}

/// In which a length of time is plotted, by what a second is multiplied with.
fn unit(highest: f64) -> (f64, &'static str) {
    match highest {
        ..1.0 => (1000.0, " ms"),
        ..120.0 => (1.0, " s"),
        ..7200.0 => (1.0 / 60.0, " min"),
        _ => (1.0 / 3600.0, " h"),
    }
}

/// Side by side.
const PLACES: f64 = 100.0;
/// Of a bar with the space beside it.
const WIDTH: f64 = (RIGHT - LEFT) / PLACES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_that_cannot_be_told_apart_are_one_and_what_went_wrong_is_marked() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let bar = |second, seconds, is_wrong| Bar { at: at(second), seconds, is_wrong };
        let bars = [bar(0, 10.0, false), bar(3, 40.0, false), bar(200, 0.0, true)];
        let caption = Caption { id: "a".into(), title: String::new(), description: String::new() };
        let plot = Plot::of_bars(caption, &Bars { bars: &bars, from: at(0), until: at(400) });
        assert_eq!(plot.bars, "M54 156V8M254 156V155");
        assert_eq!(plot.marks, "M251 147l6 6m0-6l-6 6");
        assert_eq!(plot.up.last().unwrap().text, "40 s");
    }

    #[test]
    fn ten_thousand_bars_are_a_hundred() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let bars: Vec<_> = (0..10_000).map(|second| Bar { at: at(second), seconds: 0.5, is_wrong: true }).collect();
        let caption = Caption { id: "a".into(), title: String::new(), description: String::new() };
        let plot = Plot::of_bars(caption, &Bars { bars: &bars, from: at(0), until: at(10_000) });
        assert_eq!((plot.bars.matches('M').count(), plot.marks.matches('M').count()), (100, 100));
        assert_eq!(plot.up.last().unwrap().text, "600 ms");
    }
}
