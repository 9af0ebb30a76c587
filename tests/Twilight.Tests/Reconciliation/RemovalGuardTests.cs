using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class RemovalGuardTests
{
    private static readonly RemovalGuardOptions Options = new();

    /// <summary>
    /// One letter for each domain: k known and running, u unknown and running, p unknown and paused, s unknown and stopped,
    /// c unknown and crashed, r released, o known and off.
    /// </summary>
    [TestCase("", 0)]
    [TestCase("kkkk", 0)]
    [TestCase("u", 0)]
    [TestCase("uu", 0, TestName = "Two may always go, even if they are all")]
    [TestCase("uuu", 3, TestName = "All of three are more than two and more than half")]
    [TestCase("uuuk", 3)]
    [TestCase("uuukk", 3)]
    [TestCase("uuukkk", 0, TestName = "Half may go")]
    [TestCase("uuuukkk", 4)]
    [TestCase("uuuuukkkkk", 0)]
    [TestCase("uuuuuukkkkk", 6)]
    [TestCase("pppk", 3, TestName = "Paused ones count like running ones")]
    [TestCase("rrrrrr", 0, TestName = "What was released by name always goes")]
    [TestCase("rrrrrruuk", 0)]
    [TestCase("rrruuu", 3, TestName = "What is released does not count among what runs: it will be gone")]
    [TestCase("ssssss", 0, TestName = "Stopped ones alone are not held")]
    [TestCase("cccccc", 0, TestName = "Crashed ones alone are not held")]
    [TestCase("uusss", 0, TestName = "Stopped ones do not count")]
    [TestCase("uuukkooo", 3, TestName = "Stopped ones do not count among what runs either")]
    [TestCase("uuusscr", 6, TestName = "Stopped ones are held along with running ones")]
    public void So_many_are_held(string domains, int held)
    {
        var guard = RemovalGuard.None.Judge(Host(domains), Options);

        Assert.That(guard.Held, Has.Count.EqualTo(held));
        Assert.That(guard.Held, Is.Ordered);
        Assert.That(guard.Token is null, Is.EqualTo(held == 0));
    }

    [TestCase(0, 0.0, "uk", 1)]
    [TestCase(0, 0.5, "uk", 0)]
    [TestCase(0, 1.0, "uuuuu", 0, TestName = "A share of one holds nothing")]
    [TestCase(5, 0.0, "uuuuu", 0)]
    [TestCase(4, 0.0, "uuuuu", 5)]
    [TestCase(2, 0.25, "uuukkkkkk", 3)]
    public void The_bounds_are_the_operators(int free, double share, string domains, int held) => Assert.That(
        RemovalGuard.None.Judge(Host(domains), new RemovalGuardOptions { Free = free, Share = share }).Held, Has.Count.EqualTo(held));

    [Test]
    public void A_controller_that_does_not_name_removals_means_absence_as_the_order() =>
        Assert.That(RemovalGuard.None.Judge(Host("uuuuuu") with { Released = null }, Options), Is.SameAs(RemovalGuard.None));

    [Test]
    public void What_is_held_stays_held_when_one_of_them_goes_off_by_itself()
    {
        var guard = RemovalGuard.None.Judge(Host("uuuk"), Options);

        Assert.That(guard.Judge(Host("suuk"), Options).Held, Is.EqualTo(guard.Held));
        Assert.That(guard.Judge(Host("sssk"), Options).Held, Is.EqualTo(guard.Held));
    }

    [Test]
    public void Whoever_becomes_unknown_while_others_are_held_is_held_too()
    {
        var guard = RemovalGuard.None.Judge(Host("uuukk"), Options);
        var more = guard.Judge(Host("uuuuk"), Options);

        Assert.That(more.Held, Has.Count.EqualTo(4));
        Assert.That(more.Token, Is.Not.EqualTo(guard.Token));
    }

    [TestCase("kkkk", 0, TestName = "Wanted again: nothing is held")]
    [TestCase("kuuk", 2, TestName = "One is wanted again: the others stay held")]
    [TestCase("ruuk", 2, TestName = "One is released: the others stay held")]
    [TestCase("rrrk", 0, TestName = "All are released: nothing is held")]
    public void Each_that_is_named_is_held_no_longer(string later, int held) => Assert.That(
        RemovalGuard.None.Judge(Host("uuuk"), Options).Judge(Host(later), Options).Held, Has.Count.EqualTo(held));

    [Test]
    public void A_token_lets_exactly_its_set_go_until_all_of_it_is_gone()
    {
        var guard = RemovalGuard.None.Judge(Host("uuuk"), Options);

        var confirmed = guard.Judge(Host("uuuk", confirmation: guard.Token), Options);
        var midway = confirmed.Judge(Host("-uuk", confirmation: guard.Token), Options);
        var joined = midway.Judge(Host("-uukuuu", confirmation: guard.Token), Options);

        Assert.That(confirmed.Held, Is.Empty);
        Assert.That(midway.Held, Is.Empty, "What is left of the set stays let go.");
        Assert.That(joined.Held, Is.EqualTo(new[] { Id(4), Id(5), Id(6) }), "Others are not.");
    }

    [Test]
    public void A_token_of_another_set_lets_nothing_go()
    {
        var guard = RemovalGuard.None.Judge(Host("uuuk"), Options);

        Assert.That(RemovalGuard.None.Judge(Host("uuuuk", confirmation: guard.Token), Options).Held, Has.Count.EqualTo(4));
        Assert.That(RemovalGuard.None.Judge(Host("uuuk", confirmation: "0123456789abcdef"), Options).Held, Has.Count.EqualTo(3));
    }

    [Test]
    public void What_was_let_go_and_was_wanted_again_meanwhile_is_let_go_no_longer()
    {
        var guard = RemovalGuard.None.Judge(Host("uuuuk"), Options);
        var confirmed = guard.Judge(Host("uuuuk", confirmation: guard.Token), Options);

        var wanted = confirmed.Judge(Host("kkkkk"), Options);

        Assert.That(wanted.Judge(Host("uuuuk"), Options).Held, Has.Count.EqualTo(4));
    }

    [Test]
    public void What_is_held_is_said_with_what_confirms_it()
    {
        var guard = RemovalGuard.None.Judge(Host("uuuuuuuk"), Options);

        Assert.That(guard.Why, Does.Contain("7 instances").And.Contain(Id(0).ToString()).And.Contain("2 more").And.Contain(guard.Token!));
        Assert.That(guard.ToJson()!.Text, Does.Contain($"\"token\":\"{guard.Token}\"").And.Contain(Id(6).ToString()));
        Assert.That(RemovalGuard.None.Why, Is.Null);
        Assert.That(RemovalGuard.None.ToJson(), Is.Null);
    }

    [Test]
    public void The_token_fits_its_column() =>
        Assert.That(RemovalGuard.None.Judge(Host("uuu"), Options).Token, Does.Match("^[0-9a-f]{16}$"));

    [Test]
    public void However_a_host_changes_nothing_is_held_that_is_known_or_released_and_never_too_much_goes_unasked() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(500),
        Prop.ForAll(
            Arb.From(Gen.ListOf(Gen.ArrayOf(Gen.Elements('k', 'u', 'p', 's', 'c', 'r', 'o', '-'), 8))),
            looks =>
            {
                var guard = RemovalGuard.None;
                foreach (var look in looks.Select(letters => new string(letters)))
                {
                    var before = guard;
                    guard = guard.Judge(Host(look), Options);
                    var unknown = Enumerable.Range(0, look.Length).Where(i => "upsc".Contains(look[i], StringComparison.Ordinal)).ToList();
                    var going = unknown.Where(i => !guard.Holds(Id(i))).ToList();
                    Assert.That(guard.Held, Is.SubsetOf(unknown.Select(Id)), look);
                    Assert.That(going.Count == 0 || guard.Held.Count == 0, look);
                    var running = look.Count(letter => "kup".Contains(letter, StringComparison.Ordinal));
                    Assert.That(going.Count(i => look[i] is 'u' or 'p'), Is.LessThanOrEqualTo(Math.Max(Options.Free, Options.Share * running)), look);
                    Assert.That(going.Where(i => before.Holds(Id(i))), Is.Empty, look);
                }
            }));

    private static RemovalGuardInput Host(string domains, string? confirmation = null)
    {
        var present = Enumerable.Range(0, domains.Length).Where(i => domains[i] != '-').ToList();
        return new RemovalGuardInput(
            [.. present.Select(i => Domain(Id(i), domains[i] switch
            {
                'p' => DomainState.Paused,
                's' or 'o' => DomainState.Off,
                'c' => DomainState.Crashed,
                _ => DomainState.Running,
            }))],
            present.Where(i => domains[i] is 'k' or 'o').Select(Id).ToHashSet(),
            present.Where(i => domains[i] == 'r').Select(Id).ToHashSet(),
            confirmation);
    }

    private static ObservedDomain Domain(Guid uuid, DomainState state) => new() { Uuid = uuid, Name = DomainXml.NameOf(uuid), State = state };

    private static Guid Id(int number) => Guid.Parse(string.Create(CultureInfo.InvariantCulture, $"00000000-0000-0000-0000-{number + 1:000000000000}"));
}
