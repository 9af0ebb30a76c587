using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Devices;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Inventory;
using PonyCloud.Twilight.Metadata;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Images;
using PonyCloud.Twilight.Storage.Transfers;

namespace PonyCloud.Twilight;

/// <summary>Every setting of Twilight.</summary>
internal static class TwilightConfiguration
{
    public const string Uuid = "uuid";
    public const string Endpoint = "messaging:endpoint";
    public const string ServerKey = "messaging:server_key";
    public const string EpochFileKey = "messaging:epoch_file";
    public const string KeepAlive = "messaging:keep_alive";
    public const string HypervisorUri = "hypervisor:uri";
    public const string HypervisorAccelerator = "hypervisor:accelerator";
    public const string Emulator = "hypervisor:emulator";
    public const string ConsoleDirectory = "console_directory";
    public const string EnrolmentTokenFile = "enrolment_token_file";
    public const string BootKernel = "diskless_boot:kernel";
    public const string BootInitrd = "diskless_boot:initrd";
    public const string BootCommandLine = "diskless_boot:cmdline";
    public const string BootRom = "diskless_boot:rom";

    private const string RemovalFree = "guard:removal_free";
    private const string RemovalShare = "guard:removal_share";

    // 32 characters are 128 bits in hexadecimal; what a message may carry is the upper bound.
    private const int TokenMin = 32;
    private const int TokenMax = 256;

    public static ConfigurationSchema Schema { get; } = new("TWILIGHT_",
    [
        new(Uuid, ConfigurationKind.Text, "The host's uuid; auto takes the machine's own (DMI).")
        {
            Default = HostUuid.Auto,
            Check = value => (string)value == HostUuid.Auto || Guid.TryParseExact((string)value, "D", out _) ? null : "must be auto or a uuid",
        },
        new(Endpoint, ConfigurationKind.Text, "Where Sparkle listens for hosts.")
        {
            Default = "tcp://127.0.0.1:9850",
            Check = value => ((string)value).StartsWith("tcp://", StringComparison.Ordinal) ? null : "must be of the form tcp://ADDRESS:PORT",
        },
        new(ServerKey, ConfigurationKind.Text, "Sparkle's public key, as sparkle key prints it: Twilight talks to nobody else.")
        {
            IsRequired = true, Check = value => CurveKeys.IsKey((string)value) ? null : "must be a public key: 40 characters of Z85",
        },
        new(CurveKeyCommand.KeyFile, ConfigurationKind.Text, "The secret key of this host, made at the first start; twilight key prints its public half.")
        {
            Default = "/var/lib/twilight/curve.key", Check = AbsolutePath,
        },
        new(EpochFileKey, ConfigurationKind.Text, "The number of the newest controller that the host has obeyed; key_file with the ending .epoch unless set.")
        {
            Check = AbsolutePath,
        },
        new(KeepAlive, ConfigurationKind.Duration, "How often Sparkle is told that the host lives. The same on both sides.")
        {
            Default = "15", Minimum = 0.1, Maximum = 300,
        },
        new(EnrolmentTokenFile, ConfigurationKind.Text, "File with a token of Sparkle's operator that makes this machine a host. It is used once and may go then.")
        {
            Check = AbsolutePath,
        },
        new(HypervisorUri, ConfigurationKind.Text, "The libvirt connection.") { Default = "qemu:///system" },
        new(HypervisorAccelerator, ConfigurationKind.Text, "What runs guests; auto is KVM where processor and kernel allow it, else TCG.")
        {
            Default = "auto", Choices = ["auto", "kvm", "tcg"],
        },
        new(Emulator, ConfigurationKind.Text, "The QEMU binary; libvirt's own choice unless set.") { Check = AbsolutePath },
        new(ConsoleDirectory, ConfigurationKind.Text, "Directory for what guests write to their serial consoles.")
        {
            Default = "/var/log/twilight/console", Check = AbsolutePath,
        },
        new(BootKernel, ConfigurationKind.Text, "A Linux kernel that instances without a disk boot.") { Check = ExistingFile },
        new(BootInitrd, ConfigurationKind.Text, "The initramfs for that kernel.") { Check = ExistingFile },
        new(BootCommandLine, ConfigurationKind.Text, "The command line for that kernel."),
        new(BootRom, ConfigurationKind.Text, "A firmware image that instances without a disk run instead of a BIOS.") { Check = ExistingFile },
        new(RemovalFree, ConfigurationKind.Integer, "So many running instances may be removed at once although nobody ordered it by name.")
        {
            Default = "2", Minimum = 0, Maximum = 1_000_000,
        },
        new(RemovalShare, ConfigurationKind.Real, "So large a part of the running instances may be; what is beyond both is held. 1 holds nothing.")
        {
            Default = "0.5", Minimum = 0, Maximum = 1,
        },
        .. DeviceSetup.Keys,
        .. ImageSetup.Keys,
        .. StorageSetup.Keys,
        .. NetworkSetup.Keys,
        .. MetadataSetup.Keys,
        .. HostServerSetup.Keys,
        .. MigrationSetup.Keys,
        .. TransferSetup.Keys,
        .. ConsoleSetup.Keys,
        .. DaemonLogging.Keys,
    ]);

    public static string EpochFile(ConfigurationValues values) =>
        values.TextOrNull(EpochFileKey) ?? Path.ChangeExtension(KeyFile(values), ".epoch");

    public static string KeyFile(ConfigurationValues values) => values.Text(CurveKeyCommand.KeyFile);

    /// <summary>What diskless instances boot.</summary>
    /// <exception cref="ConfigurationException">The keys contradict each other.</exception>
    public static DisklessBoot Boot(ConfigurationValues values)
    {
        var kernel = values.TextOrNull(BootKernel);
        var rom = values.TextOrNull(BootRom);
        if (kernel is not null && rom is not null)
            throw new ConfigurationException([$"{BootRom}: cannot be set together with {BootKernel}"]);
        if (kernel is null && values.TextOrNull(BootInitrd) is not null)
            throw new ConfigurationException([$"{BootInitrd}: needs {BootKernel}"]);
        if (kernel is not null)
            return new DisklessBoot.Kernel(kernel, values.TextOrNull(BootInitrd), values.TextOrNull(BootCommandLine));
        return rom is not null ? new DisklessBoot.Rom(rom) : new DisklessBoot.Bios();
    }

    public static RemovalGuardOptions Guard(ConfigurationValues values) => new()
    {
        Free = (int)values.Integer(RemovalFree),
        Share = values.Real(RemovalShare),
    };

    /// <summary>The token that makes this machine a host; null when it was given none, or has it no more.</summary>
    /// <exception cref="ConfigurationException">The file cannot be read, or holds no token.</exception>
    public static string? EnrolmentToken(ConfigurationValues values)
    {
        if (values.TextOrNull(EnrolmentTokenFile) is not { } path || !File.Exists(path))
            return null;
        string token;
        try
        {
            using var file = new StreamReader(path);
            token = (file.ReadLine() ?? "").Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"{EnrolmentTokenFile}: cannot be read: {e.Message}"]);
        }
        return token.Length is >= TokenMin and <= TokenMax && token.All(char.IsAscii) && !token.Any(char.IsControl)
            ? token
            : throw new ConfigurationException([$"{EnrolmentTokenFile}: the first line must be a token of {TokenMin} to {TokenMax} ASCII characters"]);
    }

    internal static string? AbsolutePath(object value) => Path.IsPathFullyQualified((string)value) ? null : "must be an absolute path";

    private static string? ExistingFile(object value) =>
        AbsolutePath(value) ?? (File.Exists((string)value) ? null : "names a file that is not there");
}
