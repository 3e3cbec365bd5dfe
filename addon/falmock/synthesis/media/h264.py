"""Writes H.264 pictures of plain bars whose colours change (ITU-T H.264, Main profile, CAVLC), without a transform.

A key frame has one macroblock of samples (I_PCM) for each bar; all others are predicted from their neighbours. Every other
frame repeats the one before it and adds a number to all samples, by explicit weighted prediction: a few bytes, whatever
the size.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from falmock.synthesis.media.bits import Bits

YCbCr = tuple[int, int, int]
"""Luma and chroma, from 0 to 255; or what is added to them, from -128 to 127."""

_MAIN_PROFILE = 77
_FRAME_NUMBER_BITS = 16
_LEVELS = (
    (10, 1485, 99),
    (20, 11880, 396),
    (30, 40500, 1620),
    (31, 108000, 3600),
    (40, 245760, 8192),
    (42, 522240, 8704),
    (50, 589824, 22080),
    (51, 983040, 36864),
    (52, 2073600, 36864),
    (60, 4177920, 139264),
    (61, 8355840, 139264),
)
"""The level (times ten), and how many macroblocks it has at most in a second and in a frame (table A-1)."""
_HIGHEST_LEVEL = 62

# Macroblocks that are predicted and nothing else, all with intra_chroma_pred_mode, mb_qp_delta 0 and a coeff_token that says
# "no coefficients" (7.3.5, tables 7-11, 7-16 and 9-5). The token has more bits beside an I_PCM macroblock.
_FROM_LEFT = "011" + "010" + "1"
_FROM_ABOVE = "010" + "011" + "1"
_NOTHING, _NOTHING_BESIDE_PCM = "1", "000011"

_START_CODE = re.compile(rb"\0\0(?=[\0-\3])")


class Size(NamedTuple):
    """The size of a film in pixels: even numbers."""

    width: int
    height: int

    @property
    def columns(self) -> int:
        """The macroblocks of a row."""
        return -(-self.width // 16)

    @property
    def rows(self) -> int:
        """The macroblocks of a column."""
        return -(-self.height // 16)


def level(size: Size, fps: float) -> int:
    """The lowest level, times ten, that has such pictures. Above the highest there is none, and it is told."""
    frame = size.columns * size.rows
    longest = max(size.columns, size.rows)
    fitting = (
        number
        for number, second, largest in _LEVELS
        if frame <= largest and frame * fps <= second and longest**2 <= 8 * largest
    )
    return next(fitting, _HIGHEST_LEVEL)


def sequence_parameters(size: Size, fps: float) -> bytes:
    """The sequence parameter set (7.3.2.1)."""
    bits = Bits()
    bits.u(8, _MAIN_PROFILE)
    bits.u(8, 0x40)  # constraint_set1_flag
    bits.u(8, level(size, fps))
    bits.ue(0)  # seq_parameter_set_id
    bits.ue(_FRAME_NUMBER_BITS - 4)
    bits.ue(2)  # pic_order_cnt_type: pictures are shown in the order in which they are decoded
    bits.ue(1)  # max_num_ref_frames
    bits.u(1, 0)  # gaps_in_frame_num_value_allowed_flag
    bits.ue(size.columns - 1)
    bits.ue(size.rows - 1)
    bits.u(1, 1)  # frame_mbs_only_flag
    bits.u(1, 1)  # direct_8x8_inference_flag
    right, bottom = size.columns * 16 - size.width, size.rows * 16 - size.height
    bits.u(1, 1 if right or bottom else 0)  # frame_cropping_flag
    if right or bottom:
        for crop in (0, right // 2, 0, bottom // 2):  # in steps of two pixels, as 4:2:0 has it (table 6-1)
            bits.ue(crop)
    bits.u(1, 0)  # vui_parameters_present_flag
    return _unit(7, bits)


def picture_parameters() -> bytes:
    """The picture parameter set (7.3.2.2)."""
    bits = Bits()
    bits.ue(0)  # pic_parameter_set_id
    bits.ue(0)  # seq_parameter_set_id
    bits.u(1, 0)  # entropy_coding_mode_flag: CAVLC
    bits.u(1, 0)  # bottom_field_pic_order_in_frame_present_flag
    bits.ue(0)  # num_slice_groups_minus1
    bits.ue(0)  # num_ref_idx_l0_default_active_minus1
    bits.ue(0)  # num_ref_idx_l1_default_active_minus1
    bits.u(1, 1)  # weighted_pred_flag
    bits.u(2, 0)  # weighted_bipred_idc
    bits.se(0)  # pic_init_qp_minus26
    bits.se(0)  # pic_init_qs_minus26
    bits.se(0)  # chroma_qp_index_offset
    bits.u(1, 1)  # deblocking_filter_control_present_flag
    bits.u(1, 0)  # constrained_intra_pred_flag
    bits.u(1, 0)  # redundant_pic_cnt_present_flag
    return _unit(8, bits)


def key_frame(size: Size, colors: Sequence[YCbCr]) -> bytes:
    """An IDR picture of vertical bars, from left to right; a bar fades into the next within 16 pixels.

    There are no more bars than macroblocks in a row.
    """
    bits = Bits()
    bits.ue(0)  # first_mb_in_slice
    bits.ue(7)  # slice_type: I
    bits.ue(0)  # pic_parameter_set_id
    bits.u(_FRAME_NUMBER_BITS, 0)
    bits.ue(0)  # idr_pic_id
    bits.u(2, 0)  # no_output_of_prior_pics_flag, long_term_reference_flag
    bits.se(0)  # slice_qp_delta
    bits.ue(1)  # disable_deblocking_filter_idc
    edges = [place * size.columns // len(colors) for place in range(len(colors) + 1)]
    before = colors[0]
    for color, (start, end) in zip(colors, pairwise(edges), strict=True):
        _samples(bits, before, color)
        for column in range(start + 1, end):
            bits.raw(_FROM_LEFT + (_NOTHING_BESIDE_PCM if column == start + 1 else _NOTHING))
        before = color
    if size.rows > 1:
        starts = set(edges)
        for column in range(size.columns):
            bits.raw(_FROM_ABOVE + (_NOTHING_BESIDE_PCM if column in starts else _NOTHING))
    bits.raw((_FROM_ABOVE + _NOTHING) * size.columns * (size.rows - 2))
    return _unit(5, bits)


def changed_frame(size: Size, number: int, change: YCbCr) -> bytes:
    """The P picture that adds `change` to every sample of the picture before it; `number` counts from the key frame on."""
    bits = Bits()
    bits.ue(0)  # first_mb_in_slice
    bits.ue(5)  # slice_type: P
    bits.ue(0)  # pic_parameter_set_id
    bits.u(_FRAME_NUMBER_BITS, number)
    bits.u(1, 0)  # num_ref_idx_active_override_flag
    bits.u(1, 0)  # ref_pic_list_modification_flag_l0
    bits.ue(0)  # luma_log2_weight_denom
    bits.ue(0)  # chroma_log2_weight_denom
    luma, *chroma = change
    for offsets in ((luma,), chroma):  # pred_weight_table: for luma and chroma a flag, then weight 1 and offset of each
        bits.u(1, 1)
        for offset in offsets:
            bits.se(1)
            bits.se(offset)
    bits.u(1, 0)  # adaptive_ref_pic_marking_mode_flag
    bits.se(0)  # slice_qp_delta
    bits.ue(1)  # disable_deblocking_filter_idc
    bits.ue(size.columns * size.rows)  # mb_skip_run
    return _unit(1, bits)


def _samples(bits: Bits, before: YCbCr, color: YCbCr) -> None:
    """An I_PCM macroblock (7.3.5): its rows go from one colour to another."""
    bits.ue(25)  # mb_type
    bits.align()
    for place, side in enumerate((16, 8, 8)):
        step = (color[place] - before[place]) / side
        row = "".join(f"{round(before[place] + step * (x + 1)):08b}" for x in range(side))
        bits.raw(row * side)


def _unit(kind: int, bits: Bits) -> bytes:
    """A NAL unit that others refer to (7.3.1), with its stop bit and without start codes inside (7.4.1)."""
    bits.raw("1")
    return bytes([0x60 | kind]) + _START_CODE.sub(b"\0\0\3", bits.content())
