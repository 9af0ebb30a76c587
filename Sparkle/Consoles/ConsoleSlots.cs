using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>Places for open consoles.</summary>
internal sealed class ConsoleSlots(ConsoleOptions options)
    : TenantSlots(new SlotBounds(options.Max, options.MaxPerTenant, options.RetryAfter, ProblemKind.TooManyStreams, "consoles open"));
