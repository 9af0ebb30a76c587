using System.Net;

namespace PonyCloud.Twilight.Metadata.Serving;

/// <summary>
/// Who is at the other end of a connection: an address on a switch. The filter of the switch lets nobody send under an address that is
/// not a card's own, and nothing that is said within the connection counts.
/// </summary>
public sealed record Guest(Guid Switch, IPAddress Address);
