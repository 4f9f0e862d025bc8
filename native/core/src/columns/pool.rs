//! Memory of batches that are gone, for batches to come.
//!
//! Fresh memory has to be mapped and zeroed by the kernel page by page, which costs a quarter of the time it takes to
//! decode a batch into it. So the vectors under a batch come back here when its last reader lets go, on whatever thread
//! that is.

use std::sync::{Arc, Mutex};

use arrow_array::StringArray;
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::ArrowError;
use bytemuck::Pod;

/// Smaller vectors are not worth the trouble.
const SMALLEST: usize = 16 << 10;

/// How the offsets and bytes of strings become an array. The bytes of every string are UTF-8.
pub type MakeStrings = fn(OffsetBuffer<i32>, Buffer, Option<NullBuffer>) -> Result<StringArray, ArrowError>;

/// Vectors to be filled again. What is kept is bounded.
#[derive(Clone)]
pub(crate) struct Pool {
    shelves: Arc<Mutex<Shelves>>,
    pub(super) strings: MakeStrings,
}

/// Vectors by the type of their items.
#[derive(Default)]
pub(crate) struct Shelves {
    u8: Vec<Vec<u8>>,
    i32: Vec<Vec<i32>>,
    i64: Vec<Vec<i64>>,
    f64: Vec<Vec<f64>>,
    i128: Vec<Vec<i128>>,
    kept: usize,
    limit: usize,
}

/// Types that columns are made of.
pub(crate) trait Pooled: Pod + Send {
    fn shelf(shelves: &mut Shelves) -> &mut Vec<Vec<Self>>;
}

macro_rules! pooled {
    ($($kind:ident)*) => {$(
        impl Pooled for $kind {
            fn shelf(shelves: &mut Shelves) -> &mut Vec<Vec<Self>> {
                &mut shelves.$kind
            }
        }
    )*};
}

pooled!(u8 i32 i64 f64 i128);

impl Pool {
    /// A pool that keeps at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Pool {
        let shelves = Arc::new(Mutex::new(Shelves { limit, ..Shelves::default() }));
        Pool { shelves, strings: StringArray::try_new }
    }

    /// The same memory; string arrays are made by `strings`.
    pub(crate) fn with_strings(self, strings: MakeStrings) -> Pool {
        Pool { strings, ..self }
    }

    /// Exchanges `items` for an empty vector that is likely to be large enough for as many again.
    pub(crate) fn exchange<T: Pooled>(&self, items: &mut Vec<T>) -> Buffer {
        let next = self.take(items.len() + items.len() / 16);
        let items = std::mem::replace(items, next);
        if items.capacity() * size_of::<T>() < SMALLEST {
            return Buffer::from(bytes::Bytes::from_owner(Lent { items, pool: None }));
        }
        Buffer::from(bytes::Bytes::from_owner(Lent { items, pool: Some(self.clone()) }))
    }

    /// An empty vector for about `count` items.
    fn take<T: Pooled>(&self, count: usize) -> Vec<T> {
        let found = self.shelves.lock().ok().and_then(|mut shelves| {
            let fits = |items: &Vec<T>| items.capacity() >= count && items.capacity() <= 2 * count;
            let at = T::shelf(&mut shelves).iter().rposition(fits)?;
            let items = T::shelf(&mut shelves).swap_remove(at);
            shelves.kept -= items.capacity() * size_of::<T>();
            Some(items)
        });
        found.unwrap_or_else(|| Vec::with_capacity(count))
    }

    fn put<T: Pooled>(&self, mut items: Vec<T>) {
        let Ok(mut shelves) = self.shelves.lock() else { return };
        let size = items.capacity() * size_of::<T>();
        if shelves.kept + size > shelves.limit {
            // What is there fitted nothing lately: another table has begun, with columns of other sizes.
            *shelves = Shelves { limit: shelves.limit, ..Shelves::default() };
        }
        if size <= shelves.limit {
            items.clear();
            shelves.kept += size;
            T::shelf(&mut shelves).push(items);
        }
    }
}

/// A vector under a batch.
struct Lent<T: Pooled> {
    items: Vec<T>,
    pool: Option<Pool>,
}

impl<T: Pooled> AsRef<[u8]> for Lent<T> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.items)
    }
}

impl<T: Pooled> Drop for Lent<T> {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.put(std::mem::take(&mut self.items));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_when_the_buffer_is_dropped() {
        let pool = Pool::new(1 << 20);
        let mut items = vec![7_i64; 10_000];
        let address = items.as_ptr();
        let buffer = pool.exchange(&mut items);
        assert_eq!(buffer.typed_data::<i64>(), [7; 10_000]);
        let copy = buffer.clone();
        drop(buffer);
        let other = pool.take::<i64>(9_000);
        assert_ne!(other.as_ptr(), address, "a copy still holds it");
        drop(copy);
        let again = pool.take::<i64>(9_000);
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
    }

    #[test]
    fn only_what_fits_is_taken() {
        let pool = Pool::new(1 << 20);
        drop(pool.exchange(&mut vec![0_u8; 100_000]));
        assert_eq!(pool.take::<u8>(200_000).capacity(), 200_000);
        assert_eq!(pool.take::<u8>(20_000).capacity(), 20_000);
        assert_eq!(pool.take::<u8>(60_000).capacity(), 100_000);
    }

    #[test]
    fn no_more_than_the_limit_is_kept() {
        let pool = Pool::new(1 << 20);
        for _ in 0..5 {
            let mut items = Vec::with_capacity(300_000);
            items.push(1_u8);
            drop(pool.exchange(&mut items));
        }
        let kept = pool.shelves.lock().unwrap().kept;
        assert!((300_000..=1 << 20).contains(&kept), "{kept}");
        drop(pool.exchange(&mut vec![1_u8; 2 << 20]));
        assert_eq!(pool.shelves.lock().unwrap().kept, 0);
    }
}
