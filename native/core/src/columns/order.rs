//! In which order keys come.

/// The fields of an object in the order in which records have them, as far as it is known.
///
/// It begins as the schema's order. A key that comes earlier than thought is moved, so records that leave out many keys
/// still have the next one among the following few.
pub(crate) struct Order {
    sequence: Vec<usize>,
    /// Where each field is in the sequence.
    places: Vec<usize>,
    /// Moves left: records without any order of keys must not be sorted for ever.
    patience: usize,
}

/// Moves for each field.
const PATIENCE: usize = 16;

impl Order {
    pub(crate) fn new(fields: usize) -> Order {
        Order { sequence: (0..fields).collect(), places: (0..fields).collect(), patience: fields * PATIENCE }
    }

    /// The fields that come `count` after `field`, or fewer at the end.
    #[inline(always)]
    pub(crate) fn after(&self, field: usize, count: usize) -> &[usize] {
        let start = self.places[field] + 1;
        &self.sequence[start..self.sequence.len().min(start + count)]
    }

    /// A new field, which came after `previous`.
    pub(crate) fn add(&mut self, previous: Option<usize>) {
        let place = previous.map_or(0, |previous| self.places[previous] + 1);
        self.sequence.insert(place, self.places.len());
        self.places.push(place);
        self.patience += PATIENCE;
        self.number(place, self.sequence.len());
    }

    /// `field` came after `previous`.
    pub(crate) fn learn(&mut self, previous: usize, field: usize) {
        let (from, to) = (self.places[field], self.places[previous]);
        if from < to && self.patience > 0 {
            self.patience -= 1;
            self.sequence[from..=to].rotate_left(1);
            self.number(from, to + 1);
        }
    }

    fn number(&mut self, start: usize, end: usize) {
        for place in start..end {
            self.places[self.sequence[place]] = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_begins_as_the_order_of_the_schema() {
        let order = Order::new(4);
        assert_eq!(order.after(0, 2), [1, 2]);
        assert_eq!(order.after(2, 2), [3]);
        assert!(order.after(3, 2).is_empty());
    }

    #[test]
    fn keys_that_come_earlier_are_moved() {
        let mut order = Order::new(5);
        order.learn(3, 1);
        assert_eq!(order.sequence, [0, 2, 3, 1, 4]);
        order.learn(0, 4);
        assert_eq!(order.sequence, [0, 2, 3, 1, 4], "skipping is no other order");
        order.learn(4, 0);
        assert_eq!(order.sequence, [2, 3, 1, 4, 0]);
        assert_eq!(order.after(3, 9), [1, 4, 0]);
    }

    #[test]
    fn new_fields_stand_where_they_came() {
        let mut order = Order::new(2);
        order.add(Some(0));
        order.add(None);
        assert_eq!(order.sequence, [3, 0, 2, 1]);
        assert_eq!(order.after(2, 1), [1]);
    }

    #[test]
    fn records_without_order_are_not_sorted_for_ever() {
        let mut order = Order::new(3);
        for round in 0..1_000 {
            order.learn(round % 3, (round + 1) % 3);
        }
        assert_eq!(order.patience, 0);
    }
}
