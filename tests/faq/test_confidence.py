import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq.confidence import Curve, Rehearsed, find_thresholds, fit_curve


def rehearsal(*, wrong_from: float = 0.0, wrong_to: float = 0.5) -> list[Rehearsed]:
    """Questions of evenly rising evidence: right ones above, wrong ones in a lower band."""
    native = [Rehearsed(step / 100, step / 100 > wrong_to, step > 20, False) for step in range(100)]
    foreign = [
        Rehearsed(step / 100, False, False, True)
        for step in range(int(100 * wrong_from), int(100 * wrong_to))
    ]
    return [*native, *foreign]


def precision(rehearsed: list[Rehearsed], curve: Curve, threshold: float) -> float:
    """The share of right ones among what is answered, with one question in five from elsewhere."""
    answered = [question for question in rehearsed if curve.confidence(question.evidence) >= threshold]
    foreign = sum(question.foreign for question in rehearsed)
    weight = (len(rehearsed) - foreign) / 4 / foreign
    asked = sum(weight if question.foreign else 1 for question in answered)
    return sum(question.right for question in answered) / max(1, asked)


def test_confidence_is_even_where_right_and_wrong_are() -> None:
    curve = fit_curve(rehearsal())
    assert curve.middle == pytest.approx(0.5, abs=0.06)
    assert curve.confidence(0.9) > 0.9 > 0.1 > curve.confidence(0.1)


def test_without_a_rehearsal_the_usual_curve_is_taken() -> None:
    assert fit_curve([]).middle == pytest.approx(Curve().middle)
    assert fit_curve([]).slope == pytest.approx(Curve().slope)


def test_a_few_questions_do_not_turn_the_curve_over() -> None:
    lucky = [Rehearsed(0.2, True, True, False)]
    assert fit_curve(lucky).middle == pytest.approx(Curve().middle, abs=0.15)


@pytest.mark.parametrize("answer_precision", [0.8, 0.9, 0.95, 0.99])
def test_unasked_answers_are_right_as_often_as_stated(answer_precision: float) -> None:
    rehearsed = rehearsal()
    curve = fit_curve(rehearsed)
    thresholds = find_thresholds(rehearsed, curve, answer_precision)
    assert precision(rehearsed, curve, thresholds.answer) >= answer_precision


def test_what_is_likelier_wrong_is_not_answered_however_low_the_precision() -> None:
    rehearsed = rehearsal()
    assert find_thresholds(rehearsed, fit_curve(rehearsed), 0.1).answer >= 0.5


def test_the_higher_the_precision_the_fewer_the_answers() -> None:
    rehearsed = rehearsal()
    curve = fit_curve(rehearsed)
    answers = [find_thresholds(rehearsed, curve, stated).answer for stated in (0.8, 0.9, 0.99)]
    assert answers == sorted(answers)
    assert answers[0] < answers[-1]


def test_a_precision_that_is_never_reached_leaves_only_exact_questions() -> None:
    always_wrong = [Rehearsed(step / 50, False, False, False) for step in range(50)]
    curve = fit_curve(always_wrong)
    thresholds = find_thresholds(always_wrong, curve, 0.95)
    assert thresholds.answer >= 0.95
    assert all(curve.confidence(question.evidence) <= thresholds.answer for question in always_wrong)


@given(
    st.lists(
        st.builds(Rehearsed, st.floats(-0.75, 1.75), st.booleans(), st.booleans(), st.booleans()),
        max_size=60,
    ),
    st.floats(0.5, 0.999),
)
def test_whatever_was_rehearsed_confidence_rises_and_thresholds_are_in_order(
    rehearsed: list[Rehearsed], answer_precision: float
) -> None:
    curve = fit_curve(rehearsed)
    confidences = [curve.confidence(step / 10) for step in range(-10, 20)]
    thresholds = find_thresholds(rehearsed, curve, answer_precision)
    assert confidences == sorted(confidences)
    assert 0 <= confidences[0] <= confidences[-1] <= 1
    assert 0 <= thresholds.clarify <= thresholds.answer <= 1
