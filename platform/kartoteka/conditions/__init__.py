"""The one condition language: grammar, typed tree, check, closure for one record, JSON, text.

The grammar is that of OData v4 expressions. A condition is text until ``parser.parse`` makes the
tree of ``syntax``; ``check_condition.check_condition`` holds it against the registry and makes the
tree of ``typed``, from which every back end is made. A formula takes the same way
(``parser.parse_expression``, ``check_expression.check_expression``) and gives a value. What they
mean is decided here and is the same everywhere:

- **Two values.** A condition is true or false for every record, never unknown. ``x eq null`` and
  ``x ne null`` ask whether a field is empty. Otherwise an empty field makes ``ne`` true and
  ``eq gt ge lt le in contains startswith endswith`` false, and ``not`` turns false into true: so
  ``not (x gt 5)`` also finds records without ``x``. Of two fields, or of values worked out, ``eq``
  is also true when both are empty (``typed.Related``).
- **Texts** compare without regard to case and accents (``kartoteka.text_folding.fold``), and are
  ordered by the code points of what remains. The empty text is no value: ``x eq ''`` is
  ``x eq null``.
- **Options** are written by number or by name in quotes (``statecode eq 'active'``), also beside a
  choice in ``case`` and ``coalesce``. Of a multi-choice, ``eq`` compares the whole set (``'a,b'``),
  ``contains(x,'a')`` asks for one option.
- **Dates.** A date-time with a zone is an instant; a bare date compared with an instant means its
  first moment in UTC. Fields that hold no zone compare as the calendar and clock show. Periods
  (``LastXDays(createdon,7)``) are those of the asker's calendar (``periods``).
- **Lookups** compare with an id, ``null``, ``me()`` or another lookup, and with sets that only a
  request knows (``ownerid in myteams()``). A path goes over at most three lookups; one over an
  empty lookup is empty. A lookup with several targets says which:
  ``parentcustomerid_account/name``. ``_parentcustomerid_value`` is ``parentcustomerid``.
- **Collections** (``collections``) are asked with ``any`` and ``all``; in them ``$it``, or no
  variable, is the record that the whole condition is about.
- **Values** are worked out by arithmetic, ``case`` and the ``functions``, which also say what is
  rounded, too large, or empty.
- **Query functions** of Dataverse (``query_functions``) have a short spelling and that of its
  clients, ``Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=7)``.
- **not** reaches over one comparison, ``and`` binds closer than ``or``; arithmetic binds as in
  OData: a minus sign, then ``mul div divby mod``, then ``add sub``, then comparisons.

What differs from OData: the treatment of ``''``, options by name, ``not`` before a comparison
without parentheses, functions of an empty field, which are false and not null, division by zero,
which is empty, and the additions listed in ``docs/reference/conditions.md``.
"""
