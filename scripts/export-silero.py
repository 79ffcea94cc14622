#!/usr/bin/env python3
"""Turn the published Silero VAD v6 ONNX file into the flat weight file that vox-core maps into memory.

    export-silero.py MODEL.onnx OUTPUT.bin     write the weights of both rates
    export-silero.py --check OUTPUT.bin        exit 0 when the file is whole, 1 otherwise

Only the standard library is used: an ONNX file is protobuf, and the few fields needed are read here directly. The
ONNX file is the only right source: the `.safetensors`, `half` and `op18_ifless` variants of the same package hold
other weights.

Format of the output (little-endian), read by core/src/media/silero/weights.rs; change both together:

    0   8 bytes  magic "VOXVAD6\\0"
    8   u32      version
    12  u32      CRC-32C of every byte from 16 to the end
    16  u64      length of the whole file
    24  u32      number of table entries, then zeros up to 64
    64  table    32 bytes an entry: rate in Hz u32, tensor u32, elements u64, offset u64, zero u64
    ..  data     f32 values, each tensor on a 64-byte boundary

Weight matrices are stored in blocks of 16 outputs: block after block, in a block one run of 16 floats per input (and
per filter tap), so that a kernel multiplies one broadcast input by a vector of outputs and never sums sideways.
"""

import math
import os
import struct
import sys
from array import array

MAGIC = b"VOXVAD6\0"
VERSION = 1
HEADER_BYTES = 64
ENTRY_BYTES = 32
ALIGNMENT = 64
CHECKSUM_START = 16
LANES = 16
HIDDEN = 128

# How far the basis of the file may be from a Hann-windowed Fourier transform before the engine, which computes the
# transform itself, would no longer compute the published model.
BASIS_TOLERANCE = 1e-6

ONNX_FLOAT = 1
ONNX_INT64 = 7


class ExportError(Exception):
    """The input is not the model this script knows."""


# --- protobuf ---------------------------------------------------------------------------------------------------------


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def read_fields(data):
    """Yield (field number, value) of one message; a length-delimited value is a memoryview."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, at = data[at : at + size], at + size
        elif kind == 2:
            size, at = read_varint(data, at)
            value, at = data[at : at + size], at + size
        else:
            raise ExportError(f"unknown protobuf wire type {kind}: no ONNX file, or a damaged one")
        if at > len(data):
            raise ExportError("the file is cut short")
        yield key >> 3, value


def read_text(value):
    return bytes(value).decode("utf-8")


def read_dims(value):
    """`dims` is either one varint or a packed run of them."""
    if isinstance(value, int):
        return [value]
    dims, at = [], 0
    while at < len(value):
        dim, at = read_varint(value, at)
        dims.append(dim)
    return dims


class Tensor:
    """An ONNX TensorProto: dims = 1, data_type = 2, int64_data = 7, name = 8, raw_data = 9."""

    def __init__(self, message):
        self.name, self.kind, self.dims, self.raw, self.integers = "", 0, [], b"", []
        for field, value in read_fields(message):
            if field == 1:
                self.dims += read_dims(value)
            elif field == 2:
                self.kind = value
            elif field == 7:
                self.integers += read_dims(value)
            elif field == 8:
                self.name = read_text(value)
            elif field == 9:
                self.raw = bytes(value)

    def floats(self):
        if self.kind != ONNX_FLOAT:
            raise ExportError(f"{self.name} is not 32-bit float")
        values = array("f", self.raw)
        if sys.byteorder == "big":
            values.byteswap()
        if len(values) != math.prod(self.dims):
            raise ExportError(f"{self.name} has {len(values)} values for shape {self.dims}")
        return values

    def scalar(self):
        if self.kind != ONNX_INT64:
            return None
        return struct.unpack("<q", self.raw)[0] if len(self.raw) == 8 else (self.integers or [None])[0]


class Node:
    """An ONNX NodeProto with the attributes that matter here: tensors and subgraphs."""

    def __init__(self, message):
        self.inputs, self.outputs, self.operator = [], [], ""
        self.tensors, self.graphs = [], {}
        for field, value in read_fields(message):
            if field == 1:
                self.inputs.append(read_text(value))
            elif field == 2:
                self.outputs.append(read_text(value))
            elif field == 4:
                self.operator = read_text(value)
            elif field == 5:
                self.read_attribute(value)

    def read_attribute(self, message):
        name = ""
        for field, value in read_fields(message):
            if field == 1:
                name = read_text(value)
            elif field == 5:
                self.tensors.append(Tensor(value))
            elif field == 6:
                self.graphs[name] = value


def nodes_of(graph):
    return [Node(value) for field, value in read_fields(graph) if field == 1]


def named_tensors(graph, found):
    """Initialisers and constants of a graph and of every graph inside its nodes."""
    for field, value in read_fields(graph):
        if field == 5:
            tensor = Tensor(value)
            found[tensor.name] = tensor
    for node in nodes_of(graph):
        for tensor in node.tensors:
            if tensor.name:
                found[tensor.name] = tensor
        for inner in node.graphs.values():
            named_tensors(inner, found)
    return found


def rate_branches(model):
    """The graph compares `sr` with one rate and holds the whole network of each rate in a branch of an `If`."""
    graphs = [value for field, value in read_fields(model) if field == 7]
    if len(graphs) != 1:
        raise ExportError("the file holds no ONNX graph")
    nodes = nodes_of(graphs[0])
    producers = {name: node for node in nodes for name in node.outputs}
    for node in nodes:
        if node.operator != "If":
            continue
        condition = producers.get(node.inputs[0])
        if condition is None or condition.operator != "Equal" or "sr" not in condition.inputs:
            continue
        constant = next(name for name in condition.inputs if name != "sr")
        rate = producers[constant].tensors[0].scalar()
        if rate not in (8000, 16000):
            raise ExportError(f"the branch is chosen by an unexpected rate {rate}")
        other = 24000 - rate
        return {rate: node.graphs["then_branch"], other: node.graphs["else_branch"]}
    raise ExportError("no branch on the sample rate: this is not silero_vad.onnx of version 6")


# --- layout -----------------------------------------------------------------------------------------------------------


def take(tensors, name, dims):
    if name not in tensors:
        raise ExportError(f"tensor {name} is missing")
    if tensors[name].dims != dims:
        raise ExportError(f"tensor {name} has shape {tensors[name].dims}, expected {dims}")
    return tensors[name].floats()


def window_of_basis(basis, fft):
    """The STFT is stored as matrices; row 0 is cos(0) times the window. Check that the rest is the same window times
    cosines and sines, because the engine computes the transform with an FFT."""
    bins = fft // 2 + 1
    window = basis[:fft]
    cosines = [math.cos(2 * math.pi * n / fft) for n in range(fft)]
    sines = [math.sin(2 * math.pi * n / fft) for n in range(fft)]
    for k in range(bins):
        for n in range(fft):
            turn = k * n % fft
            real = basis[k * fft + n] - window[n] * cosines[turn]
            imaginary = basis[(bins + k) * fft + n] + window[n] * sines[turn]
            if max(abs(real), abs(imaginary)) > BASIS_TOLERANCE:
                raise ExportError(f"the STFT basis is no windowed Fourier transform at bin {k}, sample {n}")
    return window


def blocked(outputs, weights_of_output):
    """`weights_of_output(o)` lists the weights of output `o` in input order; interleave them by blocks of LANES."""
    flat = array("f")
    for first in range(0, outputs, LANES):
        rows = [weights_of_output(first + lane) for lane in range(LANES)]
        for column in zip(*rows):
            flat.extend(column)
    return flat


def convolution(tensors, layer, shape, taps):
    """One Conv1d of kernel 3. `taps` is "all" (input-major), "right" (the last two taps, tap-major) or "centre": with
    four STFT frames the third layer only ever sees its padding on the left, and the fourth on both sides."""
    outputs, inputs = shape
    weight = take(tensors, f"encoder.{layer}.reparam_conv.weight", [outputs, inputs, 3])
    bias = take(tensors, f"encoder.{layer}.reparam_conv.bias", [outputs])
    row = 3 * inputs

    def of_output(o):
        mine = weight[o * row : (o + 1) * row]
        if taps == "all":
            return mine
        return mine[1::3] + mine[2::3] if taps == "right" else mine[1::3]

    return [blocked(outputs, of_output), bias]


def recurrent(tensors):
    """The LSTM cell: one matrix over [input, hidden], gates in the order input, forget, cell, output."""
    gates = 4 * HIDDEN
    of_input = take(tensors, "decoder.rnn.weight_ih", [gates, HIDDEN])
    of_hidden = take(tensors, "decoder.rnn.weight_hh", [gates, HIDDEN])
    bias_input = take(tensors, "decoder.rnn.bias_ih", [gates])
    bias_hidden = take(tensors, "decoder.rnn.bias_hh", [gates])

    def of_output(o):
        span = slice(o * HIDDEN, (o + 1) * HIDDEN)
        return of_input[span] + of_hidden[span]

    return [blocked(gates, of_output), array("f", map(sum, zip(bias_input, bias_hidden)))]


def network(rate, graph):
    """The tensors of one rate; their place in this list is their number in the table."""
    tensors = named_tensors(graph, {})
    fft = 256 if rate == 16000 else 128
    bins = fft // 2 + 1
    basis = take(tensors, "stft.forward_basis_buffer", [2 * bins, 1, fft])
    return [
        window_of_basis(basis, fft),
        *convolution(tensors, 0, (128, bins), "all"),
        *convolution(tensors, 1, (64, 128), "all"),
        *convolution(tensors, 2, (64, 64), "right"),
        *convolution(tensors, 3, (128, 64), "centre"),
        *recurrent(tensors),
        take(tensors, "decoder.decoder.2.weight", [1, HIDDEN, 1]),
        take(tensors, "decoder.decoder.2.bias", [1]),
    ]


# --- file -------------------------------------------------------------------------------------------------------------


def crc32c(data):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def aligned(size):
    return -(-size // ALIGNMENT) * ALIGNMENT


def assemble(networks):
    entries = [(rate, number, values) for rate, list_ in networks for number, values in enumerate(list_)]
    offset = aligned(HEADER_BYTES + ENTRY_BYTES * len(entries))
    table, data = b"", b""
    for rate, number, values in entries:
        if sys.byteorder == "big":
            values.byteswap()
        table += struct.pack("<IIQQQ", rate, number, len(values), offset, 0)
        raw = values.tobytes()
        padded = raw.ljust(aligned(len(raw)), b"\0")
        data += padded
        offset += len(padded)
    table = table.ljust(aligned(HEADER_BYTES + len(table)) - HEADER_BYTES, b"\0")
    checked = struct.pack("<QI", offset, len(entries)).ljust(HEADER_BYTES - CHECKSUM_START, b"\0") + table + data
    return MAGIC + struct.pack("<II", VERSION, crc32c(checked)) + checked


def export(source, target):
    with open(source, "rb") as file:
        branches = rate_branches(memoryview(file.read()))
    content = assemble([(rate, network(rate, branches[rate])) for rate in (8000, 16000)])
    # Written beside the target and renamed, so that a reader sees the old file or the new one and never half of one.
    # Processes that have the old file mapped keep it.
    partial = f"{target}.{os.getpid()}.partial"
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)
        os.replace(partial, target)
    finally:
        if os.path.exists(partial):
            os.remove(partial)
    return len(content)


def is_whole(path):
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return False
    if len(content) < HEADER_BYTES or content[:8] != MAGIC:
        return False
    version, checksum, length = struct.unpack_from("<IIQ", content, 8)
    return version == VERSION and length == len(content) and checksum == crc32c(content[CHECKSUM_START:])


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--check":
        return 0 if is_whole(arguments[1]) else 1
    if len(arguments) != 2 or arguments[0].startswith("-"):
        sys.stderr.write(__doc__)
        return 2
    try:
        size = export(*arguments)
    except (ExportError, OSError) as error:
        sys.stderr.write(f"export-silero: {error}\n")
        return 1
    except (LookupError, ValueError, StopIteration, struct.error) as error:
        sys.stderr.write(f"export-silero: {arguments[0]} is damaged or no ONNX file ({type(error).__name__})\n")
        return 1
    sys.stdout.write(f"{arguments[1]}: {size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
