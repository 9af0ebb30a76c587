using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Tests.Api.Security;

public sealed class LoginGateTests
{
    private static readonly Passwords Hasher = new();
    private static readonly UserDesired User = new() { Email = "user@a.example", Data = Hasher.Hash("right password") };

    [TestCase("192.0.2.1", "192.0.2.1")]
    [TestCase("::ffff:192.0.2.1", "192.0.2.1")]
    [TestCase("2001:db8::1:2:3:4", "2001:db8::")]
    [TestCase("2001:db8:0:1::", "2001:db8:0:1::")]
    public void A_network_counts_as_one_client(string address, string network) =>
        Assert.That(LoginGate.NetworkOf(IPAddress.Parse(address)), Is.EqualTo(network));

    [Test]
    public async Task Many_addresses_do_not_get_around_the_limit_of_a_user()
    {
        using var gate = new LoginGate(Hasher, 1, TimeSpan.FromHours(1));
        for (var i = 1; i <= 10; i++)
            Assert.That((await TryAsync(gate, $"192.0.2.{i}", User.Email, "wrong")).RetryAfter, Is.Null);
        Assert.That((await TryAsync(gate, "192.0.2.99", User.Email, "right password")).RetryAfter, Is.Not.Null);
    }

    [Test]
    public async Task Many_names_do_not_get_around_the_limit_of_an_address()
    {
        using var gate = new LoginGate(Hasher, 1, TimeSpan.FromHours(1));
        for (var i = 1; i <= 10; i++)
            Assert.That((await TryAsync(gate, "192.0.2.1", $"user{i}@a.example", "wrong")).RetryAfter, Is.Null);
        Assert.That((await TryAsync(gate, "192.0.2.1", User.Email, "right password")).RetryAfter, Is.Not.Null);
        Assert.That((await TryAsync(gate, "192.0.2.2", User.Email, "right password")).IsRight, Is.True);
    }

    [Test]
    public async Task Guesses_from_elsewhere_do_not_lock_a_user_out_of_where_they_logged_in()
    {
        using var gate = new LoginGate(Hasher, 1, TimeSpan.FromHours(1));
        Assert.That((await TryAsync(gate, "198.51.100.1", User.Email, "right password")).IsRight, Is.True);
        for (var i = 1; i <= 10; i++)
            await TryAsync(gate, $"192.0.2.{i}", User.Email, "wrong");
        Assert.That((await TryAsync(gate, "198.51.100.1", User.Email, "right password")).IsRight, Is.True);
        Assert.That((await TryAsync(gate, "198.51.100.1", User.Email, "wrong")).IsRight, Is.False);
        Assert.That((await TryAsync(gate, "198.51.100.1", User.Email, "right password")).RetryAfter, Is.Not.Null);
    }

    private static Task<LoginResult> TryAsync(LoginGate gate, string address, string name, string password) =>
        gate.TryAsync(IPAddress.Parse(address), name, name == User.Email ? User : null, password, CancellationToken.None);
}
