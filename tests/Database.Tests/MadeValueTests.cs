namespace PonyCloud.Database.Tests;

/// <summary>What the database makes of a row by itself shows like what the client gave.</summary>
[TestFixture]
public sealed class MadeValueTests
{
    [Test]
    public async Task A_value_that_a_trigger_makes_is_in_every_answer()
    {
        await using var api = await ApiOnPostgres.StartAsync("""
            CREATE FUNCTION fill_info() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.info = coalesce(NEW.info, ''rack of '' || NEW.name); RETURN NEW; END';
            CREATE TRIGGER fill_info BEFORE INSERT OR UPDATE ON host FOR EACH ROW EXECUTE FUNCTION fill_info();
            """);
        var uuid = Guid.NewGuid();

        var made = await api.SendAsync("POST", "/api/v1/host", $$$"""{"desired":{"uuid":"{{{uuid}}}","name":"one"}}""");

        Assert.That(made.Status, Is.EqualTo(201), made.Json.ToString());
        Assert.That((string)(await api.SendAsync("GET", made.Location!.ToString())).Json["desired"]!["info"]!, Is.EqualTo("rack of one"));
        var patched = await api.SendAsync(
            "PATCH", $"/api/v1/host/{uuid}", """{"desired":{"name":"two","info":null}}""", "application/merge-patch+json");
        Assert.That((string)patched.Json["desired"]!["info"]!, Is.EqualTo("rack of two"), patched.Json.ToString());
    }
}
