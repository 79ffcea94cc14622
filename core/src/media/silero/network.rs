//! The layers, in the order of the published graph: magnitudes of four overlapping frames, four convolutions with ReLU,
//! one LSTM cell, one output.
//!
//! Only what reaches the output is computed. The third convolution turns two frames into one and sees padding on its
//! left, the fourth sees padding on both sides, so both are dense layers over the taps that remain.

use std::array;

use super::activation::{sigmoid, tanh};
use super::spectrum::{self, Complex, FRAMES, MAX_BINS, MAX_SAMPLES, Plan};
use super::vector::{Block, LANES, Vector};

/// Units of the LSTM cell.
pub(super) const HIDDEN: usize = 128;
/// The most inputs a layer has: those of the LSTM.
const MAX_INPUTS: usize = 2 * HIDDEN;
/// Outputs of the four convolutions.
pub(super) const CHANNELS: [usize; 4] = [128, 64, 64, 128];

/// Weights of one layer: for each block of outputs one row per input (and tap), and a bias.
#[derive(Clone, Copy)]
pub(super) struct Layer<'w> {
    pub weights: &'w [Block],
    pub bias: &'w [Block],
}

/// The weights of one rate, in the mapped file.
pub(super) struct Network<'w> {
    /// Samples of a window with its context; the padding follows.
    pub samples: usize,
    pub window: &'w [f32],
    pub convolutions: [Layer<'w>; 4],
    pub lstm: Layer<'w>,
    pub head: &'w [Block],
    pub head_bias: f32,
}

/// State and intermediate values of one detector.
pub(super) struct Workspace {
    /// Context, window and padding.
    pub samples: [f32; MAX_SAMPLES],
    spectrum: [Complex; MAX_BINS - 1],
    magnitudes: [[f32; MAX_BINS]; FRAMES],
    first: [[f32; CHANNELS[0]]; FRAMES],
    second: [[f32; CHANNELS[1]]; 2],
    third: [f32; CHANNELS[2]],
    /// What the LSTM sees: the fourth convolution and, behind it, the hidden state of the window before.
    joined: [f32; 2 * HIDDEN],
    gates: [f32; 4 * HIDDEN],
    cell: [f32; HIDDEN],
}

impl Workspace {
    pub(super) fn new() -> Self {
        Self {
            samples: [0.0; MAX_SAMPLES],
            spectrum: [Complex::ZERO; MAX_BINS - 1],
            magnitudes: [[0.0; MAX_BINS]; FRAMES],
            first: [[0.0; CHANNELS[0]]; FRAMES],
            second: [[0.0; CHANNELS[1]]; 2],
            third: [0.0; CHANNELS[2]],
            joined: [0.0; 2 * HIDDEN],
            gates: [0.0; 4 * HIDDEN],
            cell: [0.0; HIDDEN],
        }
    }

    /// Back to the state before the first window.
    pub(super) fn forget(&mut self) {
        self.samples.fill(0.0);
        self.joined.fill(0.0);
        self.cell.fill(0.0);
    }
}

/// Compute one window. The constants are how many blocks of outputs are worked on at once: over four frames, over two,
/// and in dense layers.
#[inline(always)]
pub(super) fn evaluate<V: Vector, const WIDE: usize, const NARROW: usize, const DENSE: usize>(
    network: &Network<'_>,
    plan: &Plan,
    work: &mut Workspace,
) -> f32 {
    reflect_end(&mut work.samples, network.samples, plan.padding());
    spectrum::magnitudes(plan, network.window, &work.samples, &mut work.spectrum, &mut work.magnitudes);

    let [one, two, three, four] = network.convolutions;
    let magnitudes = work.magnitudes.each_ref().map(|frame| &frame[..plan.bins()]);
    product::<V, 4, 3, 4, WIDE, _>(one, magnitudes, &mut work.first);
    rectify(work.first.as_flattened_mut());
    let first = work.first.each_ref().map(|frame| &frame[..]);
    product::<V, 4, 3, 2, NARROW, _>(two, first, &mut work.second);
    rectify(work.second.as_flattened_mut());
    dense::<V, DENSE, _>(three, work.second.as_flattened(), &mut work.third);
    rectify(&mut work.third);
    let [input, _] = halves(&mut work.joined);
    dense::<V, DENSE, _>(four, &work.third, input);
    rectify(input);
    dense::<V, DENSE, _>(network.lstm, &work.joined, &mut work.gates);
    let [_, hidden] = halves(&mut work.joined);
    step_cell(&work.gates, &mut work.cell, hidden);
    head(network, hidden)
}

/// The two parts of what the LSTM sees.
#[inline(always)]
fn halves(joined: &mut [f32; 2 * HIDDEN]) -> [&mut [f32; HIDDEN]; 2] {
    let (parts, _) = joined.as_chunks_mut::<HIDDEN>();
    let [input, hidden] = parts else { unreachable!("two halves") };
    [input, hidden]
}

/// Pad the end with its mirror image, the last sample not repeated.
#[inline(always)]
fn reflect_end(samples: &mut [f32; MAX_SAMPLES], filled: usize, padding: usize) {
    let (filled, rest) = samples.split_at_mut(filled);
    for (target, &source) in rest[..padding].iter_mut().zip(filled.iter().rev().skip(1)) {
        *target = source;
    }
}

#[inline(always)]
fn rectify(values: &mut [f32]) {
    for value in values {
        *value = value.max(0.0);
    }
}

/// One frame in, one frame out.
#[inline(always)]
fn dense<V: Vector, const GROUP: usize, const CHANNELS: usize>(
    layer: Layer<'_>,
    input: &[f32],
    output: &mut [f32; CHANNELS],
) {
    product::<V, 1, 1, 1, GROUP, CHANNELS>(layer, [input], array::from_mut(output));
}

/// A convolution over time of IN frames to OUT frames, zeros on both sides, stride IN / OUT, without activation.
/// One weight is loaded once for all frames, and sums run down the lanes: nothing is ever added sideways. Inputs that
/// are zero in every frame are left out: after a ReLU that is a third to three quarters of them, whose weights need not
/// even be fetched.
#[inline(always)]
fn product<
    V: Vector,
    const IN: usize,
    const TAPS: usize,
    const OUT: usize,
    const GROUP: usize,
    const CHANNELS: usize,
>(
    layer: Layer<'_>,
    input: [&[f32]; IN],
    output: &mut [[f32; CHANNELS]; OUT],
) {
    const { assert!(CHANNELS.is_multiple_of(GROUP * LANES), "groups of blocks must make up the layer") };
    let inputs = input[0].len();
    let input = input.map(|frame| &frame[..inputs]);
    let mut list = [0; MAX_INPUTS];
    let live = live_inputs(&input, &mut list);
    let mut blocks = layer.weights.chunks_exact(inputs * TAPS);
    let mut first = 0;
    for biases in layer.bias.as_chunks::<GROUP>().0 {
        let mut weights: [&[[Block; TAPS]]; GROUP] = [&[]; GROUP];
        for rows in &mut weights {
            *rows = &blocks.next().expect("as many blocks of weights as of biases").as_chunks().0[..inputs];
        }
        for part in 0..V::PARTS {
            let mut sums = biases.each_ref().map(|bias| [V::load(bias, part); OUT]);
            accumulate(Rows { weights, part, live }, input, &mut sums);
            for (out, channels) in output.iter_mut().enumerate() {
                let targets = &mut channels.as_chunks_mut().0[first..first + GROUP];
                for (target, sums) in targets.iter_mut().zip(&sums) {
                    sums[out].store(target, part);
                }
            }
        }
        first += GROUP;
    }
}

/// List the inputs that are not zero in every frame, in their order and without a branch to mispredict.
#[inline(always)]
fn live_inputs<'l>(input: &[&[f32]], list: &'l mut [u16; MAX_INPUTS]) -> &'l [u16] {
    let mut count = 0;
    for i in 0..input[0].len() {
        list[count] = i as u16;
        count += usize::from(input.iter().fold(false, |live, frame| live | (frame[i] != 0.0)));
    }
    &list[..count]
}

/// The weights of some blocks of outputs, by input and tap, and which of them matter now.
#[derive(Clone, Copy)]
struct Rows<'w, const TAPS: usize, const GROUP: usize> {
    weights: [&'w [[Block; TAPS]]; GROUP],
    part: usize,
    live: &'w [u16],
}

/// Add to the sums of some blocks what every input contributes. All loops but the outer one unroll, and the condition
/// on the padding is gone with them.
#[inline(always)]
fn accumulate<V: Vector, const IN: usize, const TAPS: usize, const OUT: usize, const GROUP: usize>(
    rows: Rows<'_, TAPS, GROUP>,
    input: [&[f32]; IN],
    sums: &mut [[V; OUT]; GROUP],
) {
    for &i in rows.live {
        let i = usize::from(i);
        let x = input.map(|frame| V::splat(frame[i]));
        for (weights, sums) in rows.weights.iter().zip(&mut *sums) {
            for (tap, row) in weights[i].iter().enumerate() {
                let weight = V::load(row, rows.part);
                for (out, sum) in sums.iter_mut().enumerate() {
                    let padded = out * (IN / OUT) + tap;
                    if let Some(&x) = padded.checked_sub(TAPS / 2).and_then(|frame| x.get(frame)) {
                        *sum = sum.add_product(weight, x);
                    }
                }
            }
        }
    }
}

/// The LSTM cell, its gates in the order input, forget, cell, output.
#[inline(always)]
fn step_cell(gates: &[f32; 4 * HIDDEN], cell: &mut [f32; HIDDEN], hidden: &mut [f32; HIDDEN]) {
    let (parts, _) = gates.as_chunks::<HIDDEN>();
    let [input, forget, candidate, output] = parts else { unreachable!("four gates") };
    for unit in 0..HIDDEN {
        let kept = sigmoid(forget[unit]) * cell[unit];
        let next = kept + sigmoid(input[unit]) * tanh(candidate[unit]);
        cell[unit] = next;
        hidden[unit] = sigmoid(output[unit]) * tanh(next);
    }
}

/// ReLU, one weighted sum, sigmoid.
#[inline(always)]
fn head(network: &Network<'_>, hidden: &[f32; HIDDEN]) -> f32 {
    let mut sums = [0.0; LANES];
    for (values, weights) in hidden.as_chunks::<LANES>().0.iter().zip(network.head) {
        for lane in 0..LANES {
            sums[lane] += values[lane].max(0.0) * weights[lane];
        }
    }
    sigmoid(sums.iter().sum::<f32>() + network.head_bias)
}
