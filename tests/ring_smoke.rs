//! tmp
use twinring::memory::*;
use twinring::ring::*;
#[test]
fn smoke() {
    for (cap, lazy) in [(8u64, 1u64), (8, 2), (8, 4), (16, 3), (64, 8)] {
        let [a, b] = Heap::family([cap as usize, 8]);
        let g = Geometry::new(0, 0, cap, lazy);
        let mut p = Producer::new(Own::new(a.clone()), Foreign::new(b.clone()), g);
        let mut c = Consumer::new(Own::new(b), Foreign::new(a), g);
        let mut v = Vec::new();
        for i in 0..10000usize {
            let len = i % (g.largest_payload() + 1);
            let m: Vec<u8> = (0..len).map(|j| (i + j) as u8).collect();
            p.push(&m).unwrap();
            c.pop(&mut v).unwrap();
            assert_eq!(v, m);
            if i % 3 == 0 {
                assert_eq!(c.pop(&mut v), Err(PeekError::Empty));
            } else if p.push(&m).is_ok() {
                c.pop(&mut v).unwrap();
                assert_eq!(v, m);
            }
            assert_eq!(c.pop(&mut v), Err(PeekError::Empty));
        }
    }
}
