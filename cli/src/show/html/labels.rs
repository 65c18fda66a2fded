//! Labels at the ends of lines: as near to them as is possible without covering each other.

/// Moves `wanted` places apart until each has `gap` to the next, all between `low` and `high`, by the least sum of squares.
///
/// Labels that touch move as one block around the mean of what they want, as in isotonic regression by pooling.
pub fn spread(wanted: &[f64], gap: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&one, &other| wanted[one].total_cmp(&wanted[other]));
    let room = high - gap * wanted.len().saturating_sub(1) as f64;
    let shifted = order.iter().enumerate().map(|(place, &label)| wanted[label] - gap * place as f64);
    let mut spread = vec![0.0; wanted.len()];
    for (place, (shifted, &label)) in rising(shifted).into_iter().zip(&order).enumerate() {
        spread[label] = shifted.min(room).max(low) + gap * place as f64;
    }
    spread
}

/// The values that never fall and are nearest to `values`.
fn rising(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for value in values {
        let mut block = (value, 1);
        while let Some(&(mean, count)) = blocks.last()
            && mean > block.0
        {
            blocks.pop();
            block = ((mean * count as f64 + block.0 * block.1 as f64) / (count + block.1) as f64, count + block.1);
        }
        blocks.push(block);
    }
    blocks.into_iter().flat_map(|(mean, count)| std::iter::repeat_n(mean, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_room_stays() {
        assert_eq!(spread(&[50.0, 10.0], 10.0, (0.0, 100.0)), [50.0, 10.0]);
    }

    #[test]
    fn what_would_touch_moves_apart_around_its_middle() {
        assert_eq!(spread(&[50.0, 50.0, 90.0], 10.0, (0.0, 100.0)), [45.0, 55.0, 90.0]);
    }

    #[test]
    fn nothing_leaves_the_frame() {
        assert_eq!(spread(&[99.0, 98.0, -7.0], 10.0, (0.0, 100.0)), [100.0, 90.0, 0.0]);
    }
}
