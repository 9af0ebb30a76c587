using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>Places for transfers.</summary>
public sealed class TransferSlots(TransferOptions options)
    : TenantSlots(new SlotBounds(options.Max, options.MaxPerTenant, options.RetryAfter, ProblemKind.TooManyTransfers, "transfers"));
