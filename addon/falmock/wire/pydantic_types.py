"""The types of Pydantic's own errors, whose URL leads to Pydantic's documentation (PROTOCOL.md section 7.1).

Types that fal's page of errors has too (`greater_than`, `multiple_of` ...) are fal's, and not listed here.
"""

from __future__ import annotations

URL = "https://docs.pydantic.dev/2.10/v/"

TYPES = frozenset(
    """
    arguments_type assertion_error bool_parsing bool_type bytes_invalid_encoding bytes_too_long bytes_too_short
    bytes_type callable_type complex_str_parsing complex_type dataclass_exact_type dataclass_type
    date_from_datetime_inexact date_from_datetime_parsing date_future date_parsing date_past date_type
    datetime_from_date_parsing datetime_future datetime_object_invalid datetime_parsing datetime_past datetime_type
    decimal_max_digits decimal_max_places decimal_parsing decimal_type decimal_whole_digits dict_type enum
    extra_forbidden finite_number float_parsing float_type frozen_field frozen_instance frozen_set_type
    get_attribute_error int_from_float int_parsing int_parsing_size int_type invalid_key is_instance_of is_subclass_of
    iterable_type iteration_error json_invalid json_type list_type literal_error mapping_type missing missing_argument
    missing_keyword_only_argument missing_positional_only_argument model_attributes_type model_type
    multiple_argument_values needs_python_object no_such_attribute none_required recursion_loop set_item_not_hashable
    set_type string_pattern_mismatch string_sub_type string_too_long string_too_short string_type string_unicode
    time_delta_parsing time_delta_type time_parsing time_type timezone_aware timezone_naive timezone_offset too_long
    too_short tuple_type unexpected_keyword_argument unexpected_positional_argument union_tag_invalid
    union_tag_not_found url_parsing url_scheme url_syntax_violation url_too_long url_type uuid_parsing uuid_type
    uuid_version
    """.split()  # noqa: SIM905 - a hundred names, one a line, would hide what is said
)
