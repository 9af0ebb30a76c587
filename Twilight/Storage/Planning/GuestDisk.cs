using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>A disk of an instance that is to be on this host, or comes to it.</summary>
/// <param name="IsOn">The instance is to be on.</param>
public sealed record GuestDisk(VdiskDesired Vdisk, bool IsOn);
