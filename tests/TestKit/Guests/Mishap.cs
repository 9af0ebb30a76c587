namespace PonyCloud.TestKit.Guests;

/// <summary>What befalls the guest as soon as it has printed its line.</summary>
public enum Mishap
{
    None,

    /// <summary>It turns its watchdog on (i6300esb, in slot 13h of the root bus) and never feeds it: that fires two seconds later.</summary>
    StarvesWatchdog,

    /// <summary>Its kernel would say that it panicked (pvpanic).</summary>
    Panics,
}
