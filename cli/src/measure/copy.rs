//! A copy of 64 KiB blocks that the other core has just written, timed on the side that copies: what a stream of blocks
//! that size cannot beat by copying out.
//!
//! The blocks change hands, one at a time, through two small rings; the timed part is `copy_from_slice` alone.

use rtrb::{Consumer, Producer, RingBuffer};

use super::clock::{Budget, Clock, record};
use super::pattern;
use super::plan::BLOCK;
use super::threads;
use crate::failure::Failure;
use hdrhistogram::Histogram;

/// As many blocks as a ring of the default capacity holds.
const BLOCKS: usize = 16;

type Block = Box<[u8]>;

/// Copies until the budget is used up.
///
/// # Errors
///
/// If a block comes wrong.
pub fn measure(budget: Budget, clock: Clock, core: Option<usize>) -> Result<Histogram<u64>, Failure> {
    let (mut give, mut taken) = RingBuffer::<Block>::new(1);
    let (mut dirty, mut written) = RingBuffer::<Block>::new(1);
    threads::beside(
        core,
        || {
            write_blocks(&mut taken, &mut dirty);
            Ok(())
        },
        move || copy_blocks(&mut give, &mut written, budget, clock),
    )
}

/// Writes each block that is given, until the giver has gone.
fn write_blocks(taken: &mut Consumer<Block>, dirty: &mut Producer<Block>) {
    for number in 1.. {
        let Some(mut block) = take(taken) else { return };
        pattern::write(&mut block, number);
        // There is room: one block is under way at a time.
        if dirty.push(block).is_err() {
            return;
        }
    }
}

fn copy_blocks(
    give: &mut Producer<Block>,
    written: &mut Consumer<Block>,
    budget: Budget,
    clock: Clock,
) -> Result<Histogram<u64>, Failure> {
    let mut blocks: Vec<Block> = (0..BLOCKS).map(|_| vec![0; BLOCK].into()).collect();
    let (mut copy, mut scratch): (Block, Block) = (vec![0; BLOCK].into(), vec![0; BLOCK].into());
    record(budget, |number| {
        let gone = || Failure::new("the other thread has gone");
        let turn = number as usize % BLOCKS;
        give.push(std::mem::take(&mut blocks[turn])).map_err(|_| gone())?;
        let block = take(written).ok_or_else(gone)?;
        let (timed, ()) = clock.time(|| copy.copy_from_slice(&block));
        pattern::check(&copy, number, &mut scratch)?;
        blocks[turn] = block;
        Ok(timed)
    })
}

/// The next block; `None` once the other side has gone.
fn take(from: &mut Consumer<Block>) -> Option<Block> {
    loop {
        match from.pop() {
            Ok(block) => return Some(block),
            Err(_) if from.is_abandoned() => return from.pop().ok(),
            Err(_) => std::hint::spin_loop(),
        }
    }
}
