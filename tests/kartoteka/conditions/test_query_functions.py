"""Dataverse's query functions: in both spellings, what they mean and what they refuse."""

from __future__ import annotations

import pytest

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.periods import PERIODS
from kartoteka.conditions.typed import ValueKind

ID = "0190a000-0000-7000-8000-00000000000a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In(name,'a','b')", "name in ['a', 'b']"),
        ("In(name,['a',\"b\"])", "name in ['a', 'b']"),
        ("In(name,'a',null)", "any(name in ['a'], name empty)"),
        ("In(statecode,'0','inactive')", "statecode in [0, 1]"),
        ("In(numberofemployees,'1',\"2\",3)", "numberofemployees in [1, 2, 3]"),
        ("In(creditonhold,'true','0')", "creditonhold in [True, False]"),
        (f"In(parentaccountid,'{ID}')", f"parentaccountid in ['{ID}']"),
        ("NotIn(parentaccountid/name,'a')", "not(parentaccountid/name in ['a'])"),
        ("Between(revenue,'1','2.5')", "all(revenue ge 1, revenue le 2.5)"),
        ("NotBetween(revenue,[1,2])", "not(all(revenue ge 1, revenue le 2))"),
        (
            "Between(createdon,'2031-05-06','2031-05-07T10:00:00Z')",
            "all(createdon ge 2031-05-06 00:00:00+00:00, createdon le 2031-05-07 10:00:00+00:00)",
        ),
        ("ContainValues(channels,'1','shipping')", "any(channels has 1, channels has 2)"),
        ("DoesNotContainValues(channels,1)", "not(channels has 1)"),
        ("Contains(name,'a')", "name contains 'a'"),
        ("Contains(channels,'retail')", "channels has 1"),
        ("DoesNotContain(name,'a')", "not(name contains 'a')"),
        ("BeginsWith(name,'a')", "name startswith 'a'"),
        ("DoesNotBeginWith(name,'a')", "not(name startswith 'a')"),
        ("EndsWith(name,'a')", "name endswith 'a'"),
        ("DoesNotEndWith(name,'a')", "not(name endswith 'a')"),
        ("Like(name,'%a_')", "name like '%a_'"),
        ("NotLike(name,'%a_')", "not(name like '%a_')"),
        ("EqualUserId(ownerid)", "ownerid eq me()"),
        ("NotEqualUserId(ownerid)", "not(ownerid eq me())"),
        ("EqualBusinessId(owningbusinessunit)", "owningbusinessunit eq mybusinessunit()"),
        ("NotEqualBusinessId(owningbusinessunit)", "not(owningbusinessunit eq mybusinessunit())"),
        ("EqualUserTeams(ownerid)", "ownerid in myteams"),
        ("EqualUserOrUserTeams(ownerid)", "ownerid in meandmyteams"),
        ("EqualUserOrUserHierarchy(ownerid)", "ownerid in meandmypeople"),
        ("EqualUserOrUserHierarchyAndTeams(ownerid)", "ownerid in memypeopleandteams"),
        (f"Above(accountid,{ID})", f"accountid above '{ID}' by account.parentaccountid"),
        (
            f"AboveOrEqual(parentaccountid,'{ID}')",
            f"parentaccountid above or is '{ID}' by account.parentaccountid",
        ),
        (f"Under(accountid,{ID})", f"accountid under '{ID}' by account.parentaccountid"),
        (
            f"UnderOrEqual(accountid,{ID})",
            f"accountid under or is '{ID}' by account.parentaccountid",
        ),
        (f"NotUnder(customerid,{ID})", f"not(customerid under '{ID}' by account.parentaccountid)"),
        ("Under(ownerid,me())", "ownerid under me() by systemuser.parentsystemuserid"),
        ("Today(createdon)", "createdon in Today()"),
        ("Today(birthday)", "birthday in Today()"),
        ("LastXDays(parentaccountid/createdon,7)", "parentaccountid/createdon in LastXDays(7)"),
        ("LastXDays(createdon,'7')", "createdon in LastXDays(7)"),
        ("LastXHours(opens,2)", "opens in LastXHours(2)"),
        ("On(createdon,2031-05-06)", "createdon in On(2031-05-06)"),
        ("On(createdon,'2031-05-06T23:00:00Z')", "createdon in On(2031-05-06)"),
        ("NotOn(founded,2031-05-06)", "not(founded in On(2031-05-06))"),
        (
            "InFiscalPeriodAndYear(createdon,1,2031)",
            "createdon in InFiscalPeriodAndYear(1, 2031)",
        ),
        (
            "Account_Tasks/any(t:LastXDays(t/createdon,7))",
            "Account_Tasks→task.any(t: t.createdon in LastXDays(7))",
        ),
        ("LastXDays(createdon,7) eq false", "not(createdon in LastXDays(7))"),
        (
            "Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=7)",
            "createdon in LastXDays(7)",
        ),
        (
            "Microsoft.Dynamics.CRM.In(PropertyName='parentaccountid/name',PropertyValues=['a'])",
            "parentaccountid/name in ['a']",
        ),
        (
            "Microsoft.Dynamics.CRM.InFiscalPeriodAndYear(PropertyName='createdon',"
            "PropertyValue1=1,PropertyValue2=2031)",
            "createdon in InFiscalPeriodAndYear(1, 2031)",
        ),
        (
            "not Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')",
            "not(ownerid eq me())",
        ),
        (
            "Account_Tasks/any(t:Microsoft.Dynamics.CRM.Today(PropertyName='t/createdon'))",
            "Account_Tasks→task.any(t: t.createdon in Today())",
        ),
    ],
)  # fmt: skip
def test_meaning(meaning, text, expected):
    assert meaning(text) == expected


@pytest.mark.parametrize("name", PERIODS)
def test_every_period_is_a_query_function(meaning, name):
    values = {ValueKind.WHOLE: "3", ValueKind.DATE: "2031-05-06"}
    arguments = [values[kind] for kind in PERIODS[name].takes]
    expected = f"createdon in {name}({', '.join(arguments)})"
    assert meaning(f"{name}({','.join(['createdon', *arguments])})") == expected


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("LastXDay(createdon,7)", 0, '"LastXDay" is not a function; did you mean "LastXDays"?'),
        (
            "Microsoft.Dynamics.CRM.Tody(PropertyName='createdon')",
            0,
            '"Tody" is not a function; did you mean "Today"?',
        ),
        ("LastXDays()", 0, "LastXDays takes a field first; write LastXDays(field…)"),
        ("LastXDays('createdon',7)", 0, "LastXDays takes a field first; write LastXDays(field…)"),
        ("LastXDays(createdon)", 0, "LastXDays takes a field and 1 value, 0 given"),
        ("Today(createdon,7)", 0, "Today takes a field and no values, 1 given"),
        ("In(name)", 0, "In takes a field and one or more values, 0 given"),
        ("Between(revenue,1)", 0, "Between takes a field and 2 values, 1 given"),
        ("LastXDays(name,7)", 0, 'LastXDays needs a date, "name" is text'),
        ("LastXHours(founded,7)", 0, 'LastXHours needs a date and time, "founded" is date'),
        (
            "LastXDays(createdon,-1)",
            20,
            "LastXDays takes a whole number from 0 to 2147483647",
        ),
        (
            "LastXDays(createdon,1.5)",
            20,
            "LastXDays takes a whole number from 0 to 2147483647",
        ),
        ("LastXDays(createdon,'x')", 20, "LastXDays does not take the text 'x'; write a whole "
         "number"),
        ("LastXDays(createdon,null)", 20, "LastXDays does not take null; write a whole number"),
        ("On(createdon,7)", 13, "On does not take a number; write a date such as 2031-05-06"),
        ("On(createdon,now())", 13, "On does not take now(); write a date such as 2031-05-06"),
        ("In(name,nmae)", 8, "In takes values written out; texts stand in single quotes"),
        ("In(name,5)", 8, '"name" (text) cannot be compared with a number; write a text in single '
         "quotes"),
        ("In(revenue,'x')", 11, "\"revenue\" (money) cannot be compared with the text 'x'; write a "
         "number"),
        ("In(industrycode,'retial')", 16, '"industrycode" has no option retial; did you mean '
         '"retail"?'),
        ("In(ownerid,me())", 11, "In takes values written out"),
        ("Between(ownerid,1,2)", 0, '"ownerid" (owner) has no order for "ge"; use eq, ne or in'),
        ("ContainValues(name,'a')", 0, 'ContainValues needs a multi-choice, "name" is text'),
        ("BeginsWith(revenue,'1')", 0, 'startswith needs a text, "revenue" is money'),
        ("EqualUserId(parentaccountid)", 0, 'me() is a user, "parentaccountid" (lookup) never '
         "names one"),
        ("EqualUserTeams(parentaccountid)", 0, 'myteams() are teams, "parentaccountid" (lookup) '
         "never names one"),
        (
            f"Under(primarycontactid,{ID})",
            0,
            '"primarycontactid" (lookup) names records that have no hierarchy; the entity needs a '
            "lookup to itself with hierarchical: true",
        ),
        ("Under(name,'x')", 0, '"name" (text) names records that have no hierarchy; the entity '
         "needs a lookup to itself with hierarchical: true"),
        ("Under(accountid,'x')", 16, "\"accountid\" (unique_id) cannot be compared with the text "
         "'x'; write an id such as 00000000-0000-0000-0000-000000000001"),
        ("Under(accountid,me())", 16, "me() is no record of account"),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='createdn')", 43, '"createdn" is not a field '
         'of "account"; did you mean "createdon"?'),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_place(meaning, text, offset, message):
    with pytest.raises(ConditionError) as caught:
        meaning(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)
