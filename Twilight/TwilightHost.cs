using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Shared.Replication;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Devices;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Inventory;
using PonyCloud.Twilight.Metadata;
using PonyCloud.Twilight.Metadata.Seeds;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Session;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Images;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight;

/// <summary>Puts the agent together from its settings.</summary>
internal static class TwilightHost
{
    // A loop that has not come round for this long is stuck: its ticks are ten times a second.
    private static readonly TimeSpan Stuck = TimeSpan.FromSeconds(30);

    /// <exception cref="ConfigurationException">The machine has no usable uuid, or settings contradict each other.</exception>
    public static IHost Build(ConfigurationValues values)
    {
        var uuid = FindUuid(values.Text(TwilightConfiguration.Uuid));
        var boot = TwilightConfiguration.Boot(values);
        var keys = CurveKeyCommand.Load(TwilightConfiguration.KeyFile(values));
        var token = TwilightConfiguration.EnrolmentToken(values);
        var (epochFile, epoch) = ReadEpoch(TwilightConfiguration.EpochFile(values));
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.AddDaemon(values);

        var services = builder.Services;
        services.AddSingleton(EntityCatalog.Load());
        services.AddSingleton<IEntropy, SystemEntropy>();
        services.AddSingleton(new SessionOptions
        {
            KeepAlive = values.Duration(TwilightConfiguration.KeepAlive),
            KeyFingerprint = KeyFingerprint.Of(keys.PublicKey),
        });
        services.AddSingleton(ZeroMqOptions.Client(values.Text(TwilightConfiguration.Endpoint)) with
        {
            Curve = new ZeroMqCurve.Client(keys, values.Text(TwilightConfiguration.ServerKey)),
        });
        services.AddSingleton<IMessageTransport, ZeroMqTransport>();
        services.AddSingleton(new LibvirtOptions { Uri = values.Text(TwilightConfiguration.HypervisorUri) });
        services.AddSingleton<IHypervisor, LibvirtHypervisor>();
        services.AddSingleton(new HostInventory(
            uuid, new InventoryRoots(), Enum.Parse<AcceleratorChoice>(values.Text(TwilightConfiguration.HypervisorAccelerator), ignoreCase: true)));
        services.AddSingleton(provider => new DomainOptions
        {
            Accelerator = provider.GetRequiredService<HostInventory>().Accelerator,
            ConsoleDirectory = ConsoleDirectory(values),
            Boot = boot,
            Emulator = values.TextOrNull(TwilightConfiguration.Emulator),
        });
        services.AddSingleton<IInstancePreparation, ConsoleFiles>();
        services.AddSingleton<IHostRoute, StatisticsRoute>();
        services.AddSingleton(provider => new HostReconcilerOptions
        {
            Host = uuid,
            Guard = TwilightConfiguration.Guard(values),
            Seeds = provider.GetRequiredService<SeedDisks>().PathFor,
            Domains = provider.GetRequiredService<DomainOptions>(),
            Server = () => provider.GetRequiredService<HostServer>().Identity,
        });
        services.AddSingleton<IHostReporter, HostReconciler>();
        services.AddSingleton(provider => new ToolRunner(
            uuid, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ToolRunner>>()));
        services.AddSingleton<IToolRunner>(provider => provider.GetRequiredService<ToolRunner>());
        services.AddSingleton<IToolStarter>(provider => provider.GetRequiredService<ToolRunner>());
        services.AddDevices(uuid, values);
        services.AddImages(values);
        services.AddStorage(uuid, values);
        services.AddNetworks(uuid, new Uri(values.Text(TwilightConfiguration.Endpoint)), values);
        services.AddMetadata(uuid, values);
        services.AddTransfers(values);
        services.AddConsoles(values);
        services.AddMigrations(uuid, values.Text(TwilightConfiguration.HypervisorUri), values);
        services.AddHostServer(values, new InventoryRoots().Addresses);
        services.AddSingleton(provider => new LeftoverTools(uuid, provider.GetRequiredService<ILogger<LeftoverTools>>()));
        services.AddSingleton(epochFile);
        services.AddSingleton(provider => new SparkleLink(
            provider.GetRequiredService<EntityCatalog>(),
            uuid,
            provider.GetRequiredService<IEntropy>(),
            provider.GetRequiredService<SessionOptions>().KeepAlive,
            enrolmentToken: token,
            epoch: epoch));
        services.AddSingleton<MessageCodec>();
        services.AddSingleton<SparkleSign>();
        services.AddSingleton<SessionLoop>();
        services.AddHostedService(provider => provider.GetRequiredService<SessionLoop>());
        services.AddHostedService<ReconciliationService>();

        var host = builder.Build();
        var session = host.Services.GetRequiredService<SessionLoop>();
        host.Services.GetRequiredService<DaemonHealth>().AddCheck("session loop", () => session.SinceLastTurn < Stuck);
        host.Services.GetRequiredService<ILoggerFactory>().CreateLogger("PonyCloud.Twilight")
            .LogStarting(AgentVersion.Text, uuid, values.Text(TwilightConfiguration.Endpoint));
        return host;
    }

    private static (EpochFile File, long? Epoch) ReadEpoch(string path)
    {
        var file = new EpochFile(path);
        try
        {
            return (file, file.Read());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ConfigurationException([$"{TwilightConfiguration.EpochFileKey}: {e.Message}"]);
        }
    }

    private static Guid FindUuid(string setting)
    {
        try
        {
            return HostUuid.Find(setting, "/sys");
        }
        catch (HostUuidException error)
        {
            throw new ConfigurationException([$"{TwilightConfiguration.Uuid}: {error.Message}"]);
        }
    }

    private static string ConsoleDirectory(ConfigurationValues values)
    {
        var directory = values.Text(TwilightConfiguration.ConsoleDirectory);
        Directory.CreateDirectory(directory);
        return directory;
    }
}
