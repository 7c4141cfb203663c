//! Long curves in few columns.
//!
//! A run has thousands of steps and a chart some dozens of columns. Of the points that fall into one column the first, the last, the
//! lowest and the highest look like all of them.

use super::{Point, Range};

/// The points of one column that shape it, each with its place in the curve.
struct Column {
    at: usize,
    first: (usize, Point),
    low: Option<(usize, Point)>,
    high: Option<(usize, Point)>,
    last: (usize, Point),
}

impl Column {
    fn new(at: usize, place: usize, point: Point) -> Self {
        let finite = point.1.is_finite().then_some((place, point));
        Self { at, first: (place, point), low: finite, high: finite, last: (place, point) }
    }

    fn add(&mut self, place: usize, point: Point) {
        self.last = (place, point);
        if point.1.is_finite() {
            if self.low.is_none_or(|(_, low)| point.1 < low.1) {
                self.low = Some((place, point));
            }
            if self.high.is_none_or(|(_, high)| point.1 > high.1) {
                self.high = Some((place, point));
            }
        }
    }

    fn emit(self, kept: &mut Vec<Point>) {
        let mut places =
            [Some(self.first), self.low, self.high, Some(self.last)].map(|place| place.unwrap_or(self.first));
        places.sort_unstable_by_key(|(place, _)| *place);
        let mut before = None;
        for (place, point) in places {
            if before != Some(place) {
                kept.push(point);
                before = Some(place);
            }
        }
    }
}

/// A window cut into columns of equal width.
#[derive(Clone, Copy)]
struct Columns {
    start: f64,
    /// Columns to a unit of x.
    density: f64,
    last: usize,
}

impl Columns {
    fn new(window: Range, count: usize) -> Self {
        let density = count as f64 / window.span();
        Self {
            start: window.min,
            density: if density.is_finite() { density } else { 0.0 },
            last: count.saturating_sub(1),
        }
    }

    /// The column in which `x` falls.
    fn at(self, x: f64) -> usize {
        (((x - self.start) * self.density) as usize).min(self.last)
    }

    /// Where a column ends: points before that need no arithmetic.
    fn end(self, at: usize) -> f64 {
        if at >= self.last { f64::INFINITY } else { self.start + (at + 1) as f64 / self.density }
    }
}

/// At most four points a column, x rising as it does in `points`; no extreme is lost, and a gap (NaN) that is wider than a column stays.
pub fn thinned(points: impl IntoIterator<Item = Point>, window: Range, columns: usize) -> Vec<Point> {
    let mut kept = Vec::with_capacity(columns.saturating_mul(2).min(4096));
    let columns = Columns::new(window, columns);
    let (mut open, mut end): (Option<Column>, f64) = (None, f64::NEG_INFINITY);
    for (place, point) in points.into_iter().enumerate() {
        if let Some(column) = open.as_mut().filter(|_| point.0 < end) {
            column.add(place, point);
            continue;
        }
        let at = columns.at(point.0);
        match &mut open {
            Some(column) if column.at == at => column.add(place, point),
            _ => {
                end = columns.end(at);
                if let Some(done) = open.replace(Column::new(at, place, point)) {
                    done.emit(&mut kept);
                }
            }
        }
    }
    if let Some(done) = open {
        done.emit(&mut kept);
    }
    kept
}

/// Lowest and highest value of each column, as (x, low, high); x is that of the column's first point. Columns without a finite value
/// are left out.
pub fn envelope(
    points: impl IntoIterator<Item = (f64, f64, f64)>,
    window: Range,
    columns: usize,
) -> Vec<(f64, f64, f64)> {
    let mut kept: Vec<(usize, (f64, f64, f64))> = Vec::with_capacity(columns.min(4096));
    let columns = Columns::new(window, columns);
    for (x, low, high) in points {
        if !low.is_finite() || !high.is_finite() {
            continue;
        }
        let at = columns.at(x);
        match kept.last_mut() {
            Some((last, rim)) if *last == at => {
                rim.1 = rim.1.min(low);
                rim.2 = rim.2.max(high);
            }
            _ => kept.push((at, (x, low, high))),
        }
    }
    kept.into_iter().map(|(_, rim)| rim).collect()
}

/// What of a curve lies in a window. Where it crosses the window's edge it ends in a point on the edge.
pub fn clipped(points: impl IntoIterator<Item = Point>, window: Range) -> Vec<Point> {
    let mut kept = Vec::new();
    let mut before: Option<Point> = None;
    for point in points {
        if let Some(last) = before {
            for edge in [window.min, window.max] {
                if last.0 < edge && edge < point.0 {
                    let share = (edge - last.0) / (point.0 - last.0);
                    kept.push((edge, last.1 + (point.1 - last.1) * share));
                }
            }
        }
        if point.0 >= window.min && point.0 <= window.max {
            kept.push(point);
        }
        before = Some(point);
        if point.0 > window.max {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn curve() -> impl Strategy<Value = Vec<Point>> {
        let value = prop_oneof![9 => -1e6..1e6_f64, 1 => Just(f64::NAN)];
        prop::collection::vec((0.0..5.0_f64, value), 1..400).prop_map(|points| {
            let mut x = 0.0;
            points
                .into_iter()
                .map(|(gap, value)| {
                    x += gap;
                    (x, value)
                })
                .collect()
        })
    }

    fn window(points: &[Point]) -> Range {
        Range { min: points[0].0, max: points[points.len() - 1].0 }
    }

    fn values(points: &[Point]) -> Option<Range> {
        Range::of(points.iter().map(|point| point.1))
    }

    #[test]
    fn a_gap_wider_than_a_column_stays() {
        let points: Vec<Point> =
            (0..100).map(|x| (f64::from(x), if (40..60).contains(&x) { f64::NAN } else { 1.0 })).collect();
        let thin = thinned(points.clone(), window(&points), 10);
        assert!(thin.len() <= 40 && thin.iter().any(|point| point.1.is_nan()));
    }

    #[test]
    fn a_curve_is_cut_where_it_crosses_the_edge() {
        let points = [(0.0, 0.0), (10.0, 10.0), (20.0, 0.0), (30.0, 9.0)];
        assert_eq!(clipped(points, Range { min: 5.0, max: 15.0 }), [(5.0, 5.0), (10.0, 10.0), (15.0, 5.0)]);
        assert_eq!(clipped(points, Range { min: 12.0, max: 14.0 }), [(12.0, 8.0), (14.0, 6.0)]);
        assert_eq!(clipped(points, Range { min: -5.0, max: 99.0 }), points);
    }

    proptest! {
        #[test]
        fn no_extreme_is_lost_and_x_rises(points in curve(), columns in 1usize..60) {
            let thin = thinned(points.clone(), window(&points), columns);
            prop_assert_eq!(values(&thin), values(&points));
            prop_assert!(thin.is_sorted_by(|a, b| a.0 <= b.0));
            prop_assert!(thin.len() <= columns * 4);
            let same = |a: &Point, b: &Point| a.0.to_bits() == b.0.to_bits() && a.1.to_bits() == b.1.to_bits();
            prop_assert!(same(&thin[0], &points[0]) && same(&thin[thin.len() - 1], &points[points.len() - 1]));
            prop_assert!(thin.iter().all(|point| points.iter().any(|p| same(p, point))));
        }

        #[test]
        fn an_envelope_holds_every_point(points in curve(), columns in 1usize..60) {
            let rims = envelope(points.iter().map(|p| (p.0, p.1, p.1)), window(&points), columns);
            prop_assert!(rims.len() <= columns && rims.is_sorted_by(|a, b| a.0 < b.0));
            let ends = Range::of(rims.iter().flat_map(|rim| [rim.1, rim.2]));
            prop_assert_eq!(ends, values(&points));
        }

        #[test]
        fn what_is_cut_lies_in_the_window(points in curve(), from in 0.0..1.0_f64, to in 0.0..1.0_f64) {
            let all = window(&points);
            let at = |share: f64| all.min + all.span() * share;
            let window = Range { min: at(from.min(to)), max: at(from.max(to)) };
            let cut = clipped(points.iter().copied(), window);
            prop_assert!(cut.is_sorted_by(|a, b| a.0 <= b.0));
            prop_assert!(cut.iter().all(|point| point.0 >= window.min && point.0 <= window.max));
            let inside = points.iter().filter(|point| point.0 >= window.min && point.0 <= window.max).count();
            prop_assert!(cut.len() >= inside && cut.len() <= inside + 2);
        }
    }
}
