using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NUnit.Framework;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Shared.Tests.Hosting;

[TestFixture]
public sealed class DaemonHostTests
{
    private static readonly ConfigurationSchema Schema = new("PONY_HOST_TEST_", DaemonLogging.Keys);

    [Test]
    public void The_command_line_is_words_and_options()
    {
        var arguments = DaemonArguments.Parse(["schema", "apply", "--config", "/etc/pony.json", "--version"]);

        Assert.That(arguments.Words, Is.EqualTo(new[] { "schema", "apply" }));
        Assert.That(arguments.ConfigFile, Is.EqualTo("/etc/pony.json"));
        Assert.That((arguments.WantsHelp, arguments.WantsVersion), Is.EqualTo((false, true)));
        Assert.That(DaemonArguments.Parse(["--config=x", "-h"]), Has.Property("ConfigFile").EqualTo("x").And.Property("WantsHelp").True);
    }

    [TestCase("--config")]
    [TestCase("--verbose")]
    public void A_wrong_option_is_named(string option) =>
        Assert.That(() => DaemonArguments.Parse([option]), Throws.TypeOf<UsageException>().With.Message.Contains(option));

    [Test]
    public async Task A_wrong_configuration_is_explained_and_ends_with_78()
    {
        using var errors = new StringWriter();

        var code = await DaemonHost.RunAsync(
            DaemonArguments.Parse(["--config", "/no/such/file.json"]), Schema, _ => throw new AssertionException("built"), errors);

        Assert.That(code, Is.EqualTo(78));
        Assert.That(errors.ToString(), Does.Contain("/no/such/file.json: cannot be read"));
    }

    [Test]
    public async Task A_daemon_that_is_told_to_stop_ends_with_0() => Assert.That(await RunAsync<StopsAtOnce>(), Is.Zero);

    [Test]
    public async Task A_daemon_whose_service_fails_ends_with_1() => Assert.That(await RunAsync<Fails>(), Is.EqualTo(1));

    [TestCase("JOURNAL_STREAM", "8:123", ExpectedResult = true)]
    [TestCase("INVOCATION_ID", "abc", ExpectedResult = true)]
    [TestCase("INVOCATION_ID", "", ExpectedResult = false)]
    [TestCase("HOME", "/", ExpectedResult = false)]
    public bool Systemd_is_known_by_what_it_sets(string name, string value) =>
        DaemonLogging.IsUnderSystemd([KeyValuePair.Create(name, value)]);

    private static Task<int> RunAsync<TService>()
        where TService : BackgroundService => DaemonHost.RunAsync(
            DaemonArguments.Parse([]), Schema,
            values =>
            {
                var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
                builder.AddDaemon(values);
                builder.Services.AddHostedService<TService>();
                return builder.Build();
            },
            TextWriter.Null).WaitAsync(TimeSpan.FromSeconds(60));

    private sealed class StopsAtOnce(IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            lifetime.StopApplication();
            return Task.CompletedTask;
        }
    }

    private sealed class Fails : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            throw new IOException("broken on purpose");
        }
    }
}
