"""What values mean: arithmetic, functions, case, fields beside fields, collections."""

from __future__ import annotations

import pytest

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.typed import FieldPath, Related

ID = "0190a000-0000-7000-8000-00000000000a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # fields beside fields
        ("name eq accountnumber", "<name eq accountnumber>"),
        ("revenue gt numberofemployees", "<revenue gt numberofemployees>"),
        ("name ne parentaccountid/name", "<name ne parentaccountid/name>"),
        ("ownerid eq parentaccountid/ownerid", "<ownerid eq parentaccountid/ownerid>"),
        ("statecode eq industrycode", "<statecode eq industrycode>"),
        # constants alone
        ("1 eq 1", "<1:whole eq 1:whole>"),
        ("'a' gt 'b'", "<'a':text gt 'b':text>"),
        ("null eq null", "always"),
        ("null gt 1", "never"),
        ("now() gt 2031-01-01", "<now() gt 2031-01-01 00:00:00+00:00:instant>"),
        # arithmetic
        (
            "numberofemployees add 5 mul 2 gt -revenue",
            "<add(numberofemployees, mul(5:whole, 2:whole):whole):whole gt neg(revenue):decimal>",
        ),
        (
            "numberofemployees divby 2 eq 2.50",
            "<divby(numberofemployees, 2:whole):decimal eq 2.5:decimal>",
        ),
        ("numberofemployees div 2 eq 1", "<div(numberofemployees, 2:whole):whole eq 1:whole>"),
        ("latitude add latitude gt 0", "<add(latitude, latitude):float gt 0:whole>"),
        ("latitude add 1 gt 0", "<add(latitude, 1:whole):decimal gt 0:whole>"),
        ("numberofemployees gt 1 add 1", "<numberofemployees gt add(1:whole, 1:whole):whole>"),
        (
            "numberofemployees mod 2 eq null",
            "<mod(numberofemployees, 2:whole):whole eq None:whole>",
        ),
        ("numberofemployees mod 2 lt null", "never"),
        # functions
        ("year(createdon) eq 2031", "<year(createdon):whole eq 2031:whole>"),
        ("tolower(name) eq ''", "<tolower(name):text eq None:text>"),
        ("round(revenue,-2) gt 100", "<round(revenue, -2:whole):decimal gt 100:whole>"),
        ("substring(name,1,2) eq 'b'", "<substring(name, 1:whole, 2:whole):text eq 'b':text>"),
        (
            "concat(name,'-',accountnumber) eq 'x'",
            "<concat(name, '-':text, accountnumber):text eq 'x':text>",
        ),
        (
            "adddays(createdon,-7) lt 2031-05-06",
            "<adddays(createdon, -7:whole):instant lt 2031-05-06 00:00:00+00:00:instant>",
        ),
        (
            "diffindays(createdon,now()) gt 7",
            "<diffindays(createdon, now()):whole gt 7:whole>",
        ),
        (
            "diffindays(founded,'2031-05-06') gt 7",
            "<diffindays(founded, 2031-05-06:date):whole gt 7:whole>",
        ),
        ("founded lt date(now())", "<founded lt date(now()):date>"),
        ("year('2031-05-06') eq 1", "<year(2031-05-06:date):whole eq 1:whole>"),
        (
            "hour('2031-05-06T10:00:00Z') eq 1",
            "<hour(2031-05-06 10:00:00+00:00:instant):whole eq 1:whole>",
        ),
        (
            "coalesce(name,accountnumber,'x') eq 'x'",
            "<coalesce(name, accountnumber, 'x':text):text eq 'x':text>",
        ),
        (
            "coalesce(numberofemployees,revenue) gt 1",
            "<coalesce(numberofemployees, revenue):decimal gt 1:whole>",
        ),
        (
            "coalesce(creditonhold,true)",
            "<coalesce(creditonhold, True:yes_no):yes_no eq True:yes_no>",
        ),
        # case, and options by name wherever they stand beside a choice
        (
            "case(creditonhold:1,founded eq null:null,true:2.5) gt 2",
            "<case(creditonhold eq True→1:whole, founded empty→None:decimal, 2.5:decimal):decimal"
            " gt 2:whole>",
        ),
        (
            "industrycode eq case(creditonhold:'retail',true:2)",
            "<industrycode eq case(creditonhold eq True→1:option, 2:option):option>",
        ),
        (
            "case(creditonhold:'retail') ne industrycode",
            "<case(creditonhold eq True→1:option, None:option):option ne industrycode>",
        ),
        (
            "coalesce(industrycode,'retail') in ('shipping',1)",
            "any(<coalesce(industrycode, 1:option):option eq 2:option>, "
            "<coalesce(industrycode, 1:option):option eq 1:option>)",
        ),
        (
            "case(true:industrycode) eq coalesce(statecode,'active')",
            "<industrycode eq coalesce(statecode, 0:option):option>",
        ),
        (
            "case(creditonhold:contains(name,'x'))",
            "<case(creditonhold eq True→case(name contains 'x'→True:yes_no, False:yes_no):yes_no, "
            "None:yes_no):yes_no eq True:yes_no>",
        ),
        # texts in texts
        ("contains(tolower(name),'x')", "<tolower(name):text contains 'x':text>"),
        ("endswith(name,accountnumber)", "<name endswith accountnumber>"),
        ("startswith('abc',name) eq false", "not(<'abc':text startswith name>)"),
        ("contains(tolower(name),'')", "<tolower(name):text ne None:text>"),
        ("like(name,'a_c%')", "name like 'a_c%'"),
        # lists
        ("name in (accountnumber,'b',null)", "any(any(name in ['b'], name empty), "
         "<name eq accountnumber>)"),
        ("ownerid in (me(),null)", "any(ownerid in [me()], ownerid empty)"),
        ("year(founded) in (2030)", "<year(founded):whole eq 2030:whole>"),
        ("ownerid in myteams()", "ownerid in myteams"),
        (f"ownerid in (myteams(),{ID})", f"any(ownerid in ['{ID}'], ownerid in myteams)"),
        ("_ownerid_value in meandmypeople()", "ownerid in meandmypeople"),
        ("customerid_account/ownerid in memypeopleandteams()",
         "customerid_account/ownerid in memypeopleandteams"),
        # what only a request knows
        ("owningbusinessunit ne mybusinessunit()", "owningbusinessunit ne mybusinessunit()"),
        ("createdon lt now()", "createdon lt now()"),
        ("now() lt createdon", "createdon gt now()"),
        ("me() eq ownerid", "ownerid eq me()"),
        # collections
        ("contact_customer_accounts/any()", "contact_customer_accounts→contact.any()"),
        (
            "contact_customer_accounts/any(c:c/fullname eq 'x' and c/revenue gt $it/revenue)",
            "contact_customer_accounts→contact.any(c: all(c.fullname eq 'x', "
            "<c.revenue gt revenue>))",
        ),
        (
            "contact_customer_accounts/all(c:c/fullname ne name)",
            "not(contact_customer_accounts→contact.any(c: not(<c.fullname ne name>)))",
        ),
        (
            "contact_customer_accounts/any(c:c/Contact_Tasks/any(t:t/createdon gt "
            "c/parentcustomerid_account/createdon))",
            "contact_customer_accounts→contact.any(c: c.Contact_Tasks→task.any(t: "
            "<t.createdon gt c.parentcustomerid_account/createdon>))",
        ),
        (
            "parentaccountid/account_lists/any(t:t/name eq 'x')",
            "parentaccountid/account_lists→team.any(t: t.name eq 'x')",
        ),
        ("Account_Tasks/any(t:t/subject eq null) eq false",
         "not(Account_Tasks→task.any(t: t.subject empty))"),
        ("Account_Tasks/any(a:a/taskid eq a/taskid)", "Account_Tasks→task.any(a: "
         "<a.taskid eq a.taskid>)"),
        ("$it/name eq 'x'", "name eq 'x'"),
        ("$it/parentaccountid/name eq 'x'", "parentaccountid/name eq 'x'"),
    ],
)  # fmt: skip
def test_meaning(meaning, text, expected):
    assert meaning(text) == expected


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("name add 1 gt 1", 0, 'add takes a number, "name" (text) is none'),
        (
            "revenue sub founded gt 5",
            12,
            'sub takes a number, "founded" (date) is none; sub is for numbers; for dates there are '
            "adddays and diffindays",
        ),
        ("5 mul 'a' gt 5", 6, "mul takes a number, the text 'a' is none"),
        ("-name eq 1", 1, 'neg takes a number, "name" (text) is none'),
        ("leng(name) gt 5", 0, '"leng" is not a function; did you mean "length"?'),
        ("5 gt leng(name)", 5, '"leng" is not a function; did you mean "length"?'),
        ("length(revenue) gt 5", 7, 'length takes a text, "revenue" (money) is none'),
        ("length() gt 5", 0, "length takes 1 value, 0 given"),
        ("substring(name) eq 'x'", 0, "substring takes 2 or 3 values, 1 given"),
        ("coalesce(name) eq 'x'", 0, "coalesce takes 2 or more values, 1 given"),
        ("substring(name,1.5) eq 'x'", 15, "substring takes a whole number, a number is none"),
        ("hour(founded) eq 1", 5, 'hour takes a time of day, "founded" (date) is none'),
        ("year(name) eq 1", 5, 'year takes a date or time, "name" (text) is none'),
        ("year('x') eq 1", 5, "year takes a date or time, the text 'x' is none"),
        (
            "diffindays(founded,createdon) eq 1",
            19,
            '"founded" (date) and "createdon" (date_time) are of different kinds; write date(…) of '
            "the other",
        ),
        (
            "founded eq createdon",
            11,
            '"founded" (date) and "createdon" (date_time) are of different kinds; write date(…) of '
            "the other",
        ),
        ("name eq revenue", 8, '"name" (text) and "revenue" (money) are of different kinds'),
        ("length(name) eq '5'", 16, "the text '5' is not a number; write it without quotes"),
        (
            "tolower(name) eq 5",
            17,
            "a number is not of the kind that stands beside it; write a text in single quotes",
        ),
        ("1 eq 'a'", 5, "the text 'a' is not a number; write it without quotes"),
        ("coalesce(ownerid,me()) gt ownerid", 0, 'id has no order for "gt"; use eq or ne'),
        (
            "channels eq industrycode",
            0,
            '"channels" (multi_choice) is no value to reckon with; compare it with options, or '
            "write contains(…,'option')",
        ),
        (
            "industrycode eq case(creditonhold:'retial')",
            34,
            '"industrycode" has no option retial; did you mean "retail"?',
        ),
        (
            "coalesce(industrycode,'x') eq 1",
            22,
            "\"industrycode\" has no option x; its options are 'retail', 'shipping'",
        ),
        ("case(true:1,creditonhold:2) eq 1", 5, "no branch behind true is ever reached"),
        ("case(creditonhold:1,true:'x') eq 1", 25, "the text 'x' is not a number; write it "
         "without quotes"),
        ("case(name:1) eq 1", 5, '"name" (text) alone is no condition; compare it with a value'),
        ("length(name)", 0, "a value alone is no condition; compare it with another"),
        ("revenue add 1", 0, "a value alone is no condition; compare it with another"),
        ("revenue add 1e20 gt 1", 12, "this number is out of range"),
        ("revenue add 0.00000000001 gt 1", 12, "this number has more than 10 decimal places"),
        ("founded lt now()", 11, 'now() is an instant, "founded" (date) never is one; write '
         "date(now())"),
        ("ownerid eq mybusinessunit()", 11, 'mybusinessunit() is a business unit, "ownerid" '
         "(owner) never names one"),
        ("now()", 0, "now() alone is no condition; write createdon lt now()"),
        ("myteams()", 0, "myteams() alone is no condition; write ownerid in myteams()"),
        ("ownerid eq myteams()", 11, "myteams() are several; write in myteams()"),
        ("ownerid in myteams(1)", 11, "myteams() takes nothing in its parentheses"),
        ("parentaccountid in myteams()", 19, 'myteams() are teams, "parentaccountid" (lookup) '
         "never names one"),
        ("ownerid in mytems()", 11, '"mytems" is not a function; did you mean "myteams"?'),
        ("tolower(name) in myteams()", 0, "myteams() is asked of a field"),
        ("like(tolower(name),'x')", 5, "like takes a field and a text in single quotes"),
        ("like(name,accountnumber)", 10, "like takes a field and a text in single quotes"),
        ("contains(name,length(name))", 14, "contains needs a text, this is whole"),
        ("contains(tolower(name),5)", 23, "contains looks for a text; write it in single quotes"),
        # collections
        (
            "contact_customer_acounts/any()",
            0,
            '"contact_customer_acounts" is not a collection of "account"; any and all ask for '
            'records that belong to it; did you mean "contact_customer_accounts"?',
        ),
        (
            "primarycontactid/Contact_Tsks/any()",
            17,
            '"Contact_Tsks" is not a collection of "contact"; any and all ask for records that '
            'belong to it; did you mean "Contact_Tasks"?',
        ),
        (
            "primarycontactid/any(c:c/fullname eq 'x')",
            0,
            '"primarycontactid" is not a collection of "account"; any and all ask for records that '
            "belong to it; it is a lookup field",
        ),
        (
            "contact_customer_accounts/any(c:c/fulname eq 'x')",
            34,
            '"fulname" is not a field of "contact"; did you mean "fullname"?',
        ),
        (
            "contact_customer_accounts/any(c:c eq 'x')",
            32,
            '"c" is a record of "contact", not a field; name a field of it, as in c/…',
        ),
        ("contact_customer_accounts/any(c:c/any())", 32, '"c" is one record of "contact"; write '
         "c/…/any(…)"),
        ("contact_customer_accounts/any(c:d/fullname eq 'x')", 32, '"d" is not a lookup of '
         '"account"'),
        ("$it eq 'x'", 0, '"$it" is a record of "account", not a field; name a field of it, as in '
         "$it/…"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_place(meaning, text, offset, message):
    with pytest.raises(ConditionError) as caught:
        meaning(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("'retail'", "industrycode", "1:option"),
        (
            "case(creditonhold:'retail',true:case(founded eq null:'shipping'))",
            "industrycode",
            "case(creditonhold eq True→1:option, case(founded empty→2:option, None:option):option)"
            ":option",
        ),
        ("case(creditonhold:'active',true:'inactive')", "statecode",
         "case(creditonhold eq True→0:option, 1:option):option"),
        ("null", "industrycode", "None:option"),
        ("revenue mul 2", "numberofemployees", "mul(revenue, 2:whole):decimal"),
        ("numberofemployees", "latitude", "numberofemployees"),
        ("5", "revenue", "5:whole"),
        ("'2031-05-06'", "founded", "2031-05-06:date"),
        ("2031-05-06", "createdon", "2031-05-06 00:00:00+00:00:instant"),
        ("date(now())", "founded", "date(now()):date"),
        ("revenue gt 5", "creditonhold", "case(revenue gt 5→True:yes_no, False:yes_no):yes_no"),
        ("concat(name,'!')", "name", "concat(name, '!':text):text"),
        ("me()", "ownerid", "me()"),
        ("revenue add 1", "", "add(revenue, 1:whole):decimal"),
        ("'x'", "", "'x':text"),
    ],
)  # fmt: skip
def test_formulas(value_of, text, field, expected):
    assert value_of(text, field) == expected


@pytest.mark.parametrize(
    ("text", "field", "offset", "message"),
    [
        ("name", "revenue", 0, '"name" (text) does not suit "revenue" (money)'),
        ("now()", "founded", 0, 'now() does not suit "founded" (date); write date(…)'),
        ("'x'", "channels", 0, 'nothing can be worked out for "channels" (multi_choice)'),
        ("'x'", "industrycode", 0, "\"industrycode\" has no option x; its options are 'retail', "
         "'shipping'"),
        ("'x'", "revenue", 0, "the text 'x' is not a number; write it without quotes"),
        ("case(creditonhold:nmae)", "name", 18, '"nmae" is not a field of "account"; did you mean '
         '"name"?'),
    ],
)  # fmt: skip
def test_formulas_that_do_not_suit_their_field(value_of, text, field, offset, message):
    with pytest.raises(ConditionError) as caught:
        value_of(text, field)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


def test_joins_of_a_query_are_variables(registry):
    typed = check_condition(
        parse("p/fullname eq $it/name"), registry, "account", variables={"p": "contact"}
    )
    assert isinstance(typed, Related) and isinstance(typed.left, FieldPath)
    assert (typed.left.key, typed.left.variable) == ("p.fullname", "p")
    with pytest.raises(ConditionError, match='"p" is taken; use another variable'):
        check_condition(
            parse("Account_Tasks/any(p:p/subject eq 'x')"),
            registry,
            "account",
            variables={"p": "contact"},
        )


def test_collections_have_limits(meaning):
    nested = "account_parent_account/any(a:"
    for variable in "bcdef":
        nested += f"{chr(ord(variable) - 1)}/account_parent_account/any({variable}:"
    with pytest.raises(ConditionError, match="more than 5 collections inside one another"):
        meaning(nested + "f/name eq 'x'" + ")" * 6)
    with pytest.raises(ConditionError, match="more than 20 collections"):
        meaning(" or ".join(["Account_Tasks/any()"] * 21))


def test_the_deepest_condition_is_checked_far_down_the_stack(registry):
    deepest = [
        "not " * 50 + "creditonhold",
        "-(" * 24 + "revenue" + ")" * 24 + " eq 1",
        "case(creditonhold:" * 45 + "1" + ")" * 45 + " eq 1",
        "case(creditonhold:" * 45 + "'retail'" + ")" * 45 + " eq industrycode",
        "coalesce(null," * 45 + "name" + ")" * 45 + " eq 'x'",
        "(creditonhold or (creditonhold and " * 20 + "true" + "))" * 20,
        "tolower(" * 45 + "name" + ")" * 45 + " eq 'x'",
        "revenue" + " add 1" * 48 + " gt 1",
    ]
    trees = [parse(text) for text in deepest]

    def check(depth: int) -> None:
        if depth:
            check(depth - 1)
            return
        for tree in trees:
            check_condition(tree, registry, "account")

    check(300)
