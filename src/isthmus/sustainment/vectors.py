"""Eight float32 lanes as one value in compiled code: `array[row, eight(j)]` loads and stores them, operators work on them.

A compiler that finds vector loops by itself has to check at every loop that rows of one array do not overlap; on small tiles
that takes as long as the arithmetic. Written as vectors there is nothing to check, and tiles may be small enough for the caches.
Only :mod:`isthmus.sustainment.kernel` uses this; it is Numba's low-level extension interface
(https://numba.readthedocs.io/en/stable/extending/low-level.html).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

WIDTH: Final = 8

_FLAGS: Final = ("nsz", "arcp", "contract", "afn", "reassoc")
_FLOAT: Final = ir.FloatType()
_FLOATS: Final = ir.VectorType(_FLOAT, WIDTH)
_BITS: Final = ir.VectorType(ir.IntType(1), WIDTH)
_INTS: Final = ir.VectorType(ir.IntType(32), WIDTH)


class Vector(types.Type):
    """Eight float32."""

    def __init__(self) -> None:
        super().__init__("float32x8")


class Mask(types.Type):
    """Eight truth values."""

    def __init__(self) -> None:
        super().__init__("boolx8")


class Lanes8(types.Type):
    """First of eight neighbouring lanes, as an index."""

    def __init__(self) -> None:
        super().__init__("lanes8")


VECTOR: Final = Vector()
MASK: Final = Mask()
LANES8: Final = Lanes8()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _FLOATS)


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _BITS)


@register_model(Lanes8)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, ir.IntType(64))


@intrinsic
def eight(typingctx: Any, first: Any) -> Any:
    """Index of the eight lanes from `first` on."""

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.cast(builder, args[0], sig.args[0], types.int64)

    return LANES8(first), code


def _spread(builder: Any, value: Any, kind: Any) -> Any:
    """A number in every lane."""
    nothing = ir.Constant(kind, ir.Undefined)
    return builder.shuffle_vector(
        builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0)), nothing, ir.Constant(_INTS, [0] * WIDTH)
    )


def _as_vector(context: Any, builder: Any, value: Any, kind: Any) -> Any:
    """A number stands for eight equal lanes."""
    if kind is VECTOR:
        return value
    return _spread(builder, context.cast(builder, value, kind, types.float32), _FLOATS)


def _numbers(args: tuple[Any, ...]) -> bool:
    """At least one vector, the rest numbers."""
    return any(a is VECTOR for a in args) and all(a is VECTOR or isinstance(a, types.Float | types.Integer) for a in args)


def _binary(function: Any, kind: Any, emit: Callable[[Any, Any, Any], Any]) -> None:
    @infer_global(function)
    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            return signature(kind, *args) if len(args) == 2 and _numbers(args) else None

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b = (_as_vector(context, builder, v, t) for v, t in zip(args, sig.args, strict=True))
        return emit(builder, a, b)

    for number in (types.float32, types.float64, types.int64, types.Float, types.Integer):
        lower_builtin(function, number, Vector)(lower)
        lower_builtin(function, Vector, number)(lower)
    lower_builtin(function, Vector, Vector)(lower)


def _pick(op: str) -> Callable[[Any, Any, Any], Any]:
    return lambda builder, a, b: builder.select(builder.fcmp_ordered(op, a, b, flags=_FLAGS), a, b)


for _function in (operator.add, operator.iadd):
    _binary(_function, VECTOR, lambda builder, a, b: builder.fadd(a, b, flags=_FLAGS))
for _function in (operator.sub, operator.isub):
    _binary(_function, VECTOR, lambda builder, a, b: builder.fsub(a, b, flags=_FLAGS))
for _function in (operator.mul, operator.imul):
    _binary(_function, VECTOR, lambda builder, a, b: builder.fmul(a, b, flags=_FLAGS))
_binary(operator.truediv, VECTOR, lambda builder, a, b: builder.fdiv(a, b, flags=_FLAGS))
_binary(min, VECTOR, _pick("<"))
_binary(max, VECTOR, _pick(">"))
for _function, _op in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
):
    _binary(_function, MASK, lambda builder, a, b, op=_op: builder.fcmp_ordered(op, a, b))


@infer_global(operator.and_)
class _And(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        return signature(MASK, MASK, MASK) if args == (MASK, MASK) else None


@lower_builtin(operator.and_, Mask, Mask)
def _lower_and(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.and_(*args)


@intrinsic
def where(typingctx: Any, mask: Any, yes: Any, no: Any) -> Any:
    """`yes` where the mask holds, else `no`; numbers stand for eight equal lanes."""
    both_masks = yes is MASK and no is MASK
    if mask is not MASK or not (both_masks or all(t is VECTOR or isinstance(t, types.Float) for t in (yes, no))):
        return None

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if both_masks:
            return builder.select(*args)
        a, b = (_as_vector(context, builder, v, t) for v, t in zip(args[1:], sig.args[1:], strict=True))
        return builder.select(args[0], a, b)

    return (MASK if both_masks else VECTOR)(mask, yes, no), code


@intrinsic
def some(typingctx: Any, mask: Any) -> Any:
    """Whether the mask holds in any lane."""
    if mask is not MASK:
        return None

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.icmp_unsigned("!=", builder.bitcast(args[0], ir.IntType(WIDTH)), ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(mask), code


@intrinsic
def largest(typingctx: Any, vector: Any) -> Any:
    """Largest of the eight lanes."""
    if vector is not VECTOR:
        return None

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        best = builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))
        for n in range(1, WIDTH):
            x = builder.extract_element(args[0], ir.Constant(ir.IntType(32), n))
            best = builder.select(builder.fcmp_ordered(">", x, best), x, best)
        return best

    return types.float32(vector), code


@intrinsic
def gather(typingctx: Any, array: Any, row: Any, mask: Any, week: Any, back: Any, index: Any) -> Any:
    """Lane by lane ``array[row + ((week - back) & mask), lane]``; `back` is a vector of whole numbers."""
    if not isinstance(array, types.Array) or back is not VECTOR or index is not LANES8:
        return None

    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        block = context.make_array(sig.args[0])(context, builder, args[0])
        i32 = ir.IntType(32)
        wide = builder.extract_value(block.shape, 1)
        keep, now = (
            _spread(builder, builder.trunc(context.cast(builder, args[n], sig.args[n], types.int64), i32), _INTS) for n in (2, 3)
        )
        slots = builder.and_(builder.sub(now, builder.fptosi(args[4], _INTS)), keep)
        across = builder.mul(slots, _spread(builder, builder.trunc(wide, i32), _INTS))
        first = builder.add(builder.mul(context.cast(builder, args[1], sig.args[1], types.int64), wide), args[5])
        start = builder.gep(block.data, [first])
        found = ir.Constant(_FLOATS, ir.Undefined)
        for n in range(WIDTH):
            lane = ir.Constant(i32, n)
            place = builder.add(builder.extract_element(across, lane), lane)
            found = builder.insert_element(found, builder.load(builder.gep(start, [place])), lane)
        return found

    return VECTOR(array, row, mask, week, back, index), code


def _index(array: Any, index: Any) -> Any:
    """The index as it is lowered, or None where it is no index of eight lanes of a float32 array in C order."""
    if not isinstance(array, types.Array) or array not in _ARRAYS:
        return None
    if array.ndim == 1:
        return LANES8 if index is LANES8 else None
    if not isinstance(index, types.BaseTuple) or len(index) != array.ndim or index.types[-1] is not LANES8:
        return None
    if not all(isinstance(t, types.Integer) for t in index.types[:-1]):
        return None
    return types.Tuple((*(types.int64 for _ in index.types[:-1]), LANES8))


_ARRAYS: Final = tuple(types.Array(types.float32, n, "C") for n in (1, 2, 3))


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        index = _index(*args)
        return None if index is None else signature(VECTOR, args[0], index)


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        array, index, value = args
        index = _index(array, index)
        return (
            None
            if index is None or not (value is VECTOR or value == types.float32)
            else signature(types.none, array, index, value)
        )


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Address of the eight lanes; rows count from the front, unchecked."""
    block = context.make_array(array_type)(context, builder, array)
    places = [index] if array_type.ndim == 1 else [builder.extract_value(index, n) for n in range(array_type.ndim)]
    offset = places[0]
    for axis, place in enumerate(places[1:], 1):
        offset = builder.add(builder.mul(offset, builder.extract_value(block.shape, axis)), place)
    return builder.bitcast(builder.gep(block.data, [offset]), _FLOATS.as_pointer())


def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.load(_place(context, builder, sig.args[0], *args), align=4)


def _store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    value = _as_vector(context, builder, args[2], sig.args[2])
    builder.store(value, _place(context, builder, sig.args[0], *args[:2]), align=4)
    return context.get_dummy_value()


# For these types only: Numba would otherwise take this code for every index that is a tuple.
for _array in _ARRAYS:
    _at = LANES8 if _array.ndim == 1 else types.Tuple((*(types.int64 for _ in range(_array.ndim - 1)), LANES8))
    lower_builtin(operator.getitem, _array, _at)(_load)
    for _value in (VECTOR, types.float32):
        lower_builtin(operator.setitem, _array, _at, _value)(_store)
